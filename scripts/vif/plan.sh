# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC3043,SC2034,SC2154 # dash, ash and bash have local; names are shared with who sources it
#
# The plan of a vif: lines that say what is about to be done to the host.  Sourced by vif.sh.
#
#	dev NOW NAME INDEX ...  the interface: what it was called, what it is to be called, which one it is; and its MAC, MTU and
#	                        addr_gen_mode
#	chain NAME              in table netdev halfback, and NAME-ip6; filter.DOMID.DEVID beside the plan has their rules
#	master BRIDGE           it is a port of
#	port SWITCH             it is a port of, an Open vSwitch
#	addr ADDRESS            on it
#	route PREFIX METRIC     to it
#	proxy ADDRESS NETDEV    is answered for on NETDEV (ARP, neighbour discovery)
#	nat SET ADDRESS         is in table inet halfback
#	dhcp MAC ADDRESS        is leased by our dnsmasq
#
# An emulated NIC and its vif are one NIC of the guest with two interfaces: what is told of addresses stays until both are gone.
#
# It is written to $NET_DIR/vifDOMID.DEVID before any of it is done, so whatever kills a script at whatever moment, `offline`
# or the next `online` knows all that there may be.  An interface is touched only if it has both the name and the index
# that the plan says: no other guest's has.  A file that was cut off can't harm: `read` drops a line without an end.

plan_add() {
	plan=$plan$*$LF
}

# Undoes what $state has.  The file goes last: what dies in here is done again.
plan_undo() {
	local word a b c rest lines='' last='' at='' nat=''
	while read -r word a b c rest; do
		case $word in
		dev) plan_device "$a" "$b" "$c" "$rest" ;;
		master) [ -z "$at" ] || [ ! -e "/sys/class/net/$a/brif/$at" ] || lines=$lines$LF"link set dev $at nomaster" ;;
		port) [ -z "$at" ] || ovs-vsctl --timeout=10 --if-exists del-port "$a" "$at" >/dev/null 2>&1 ;;
		addr) [ -z "$at" ] || lines=$lines$LF"addr del $a dev $at" ;;
		route) [ -z "$at" ] || lines=$lines$LF"route del $a dev $at metric $b" ;;
		proxy) [ -e "$sibling" ] || lines=$lines$LF"neigh del proxy $a dev $b" ;;
		nat) [ -e "$sibling" ] || nat=$nat$LF"delete element inet halfback $a { $b }" ;;
		dhcp) [ -e "$sibling" ] || dhcp_forget "$a" "$b" ;;
		esac
	done <"$state"
	ip_undo "$lines$LF$last"
	[ -z "$nat" ] || nft_undo "$nat"
	chain_undo
	rm -f "$NET_DIR/filter.$id" "$state"
	plan=
}

# Sets $at to what the interface is called now; it stays empty if that is gone.
plan_device() {
	local now
	for now in "$2" "$1"; do
		dev_index "$now"
		if [ -z "$at" ] && [ -n "$3" ] && [ "$index" = "$3" ]; then
			at=$now
			lines="link set dev $at down"
			# shellcheck disable=SC2086 # words
			plan_device_last $4
			[ "$at" = "$1" ] || dev_exists "$1" || last="$last${LF}link set dev $at name $1"
		fi
	done
}

# MAC MTU MODE, as they were.
plan_device_last() {
	[ $# -eq 3 ] || return 0
	last="link set dev $at address $1 mtu $2 addrgenmode eui64"
	[ "$3" = 0 ] || last="link set dev $at address $1 mtu $2"
}

# The last one takes the table along.
chain_undo() {
	local left=''
	plan_files
	for file in $files; do
		[ "$file" = "$state" ] || left=y
	done
	if [ -n "$left" ]; then
		filter_none
		nft_undo "$filter"
	else
		nft_undo "add table netdev halfback
			delete table netdev halfback"
	fi
}

# Sets $files: the plans of all vifs.
plan_files() {
	set +f
	set -- "$NET_DIR"/vif*[0-9u]
	set -f
	files=$*
	[ -e "$1" ] || files=
}

# plan_routed: sets $taken, the prefixes routed to other vifs, each followed by /vifDOMID.DEVID.
plan_routed() {
	local word a b
	taken=
	plan_files
	for file in $files; do
		case $file in
		"$state" | "$sibling") continue ;;
		esac
		while read -r word a b; do
			[ "$word" != route ] || taken=$taken${taken:+ }$a=${file##*/}
		done <"$file"
	done
}
