# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC3043,SC2034,SC2154 # dash, ash and bash have local; names are shared with who sources it
#
# What the vif-* scripts share: libxl's contract.  Sourced by them; brings in the other files that they need.
#
# libxl runs `SCRIPT online|offline type_if=vif`, and for an emulated NIC `SCRIPT add|remove type_if=tap`, with XENBUS_PATH =
# backend/vif/DOMID/DEVID, vif (or INTERFACE) and netdev (gatewaydev=) in the environment.  It takes the exit status for the
# verdict, the backend waits for hotplug-status, and an admin reads hotplug-error.
#
# `online` reads the store once, plans (plan.sh), writes the plan down, and does it.  `offline` never looks at the store, where
# the same keys may have changed or be gone: it undoes what the plan says.  A script that sources this has $mode, whose network
# is asked for what the vif leaves open, mode_plan, which checks what is wanted and adds to the plan, and mode_start, which does that.

# shellcheck source=scripts/net.sh
. "$lib/net.sh"
# shellcheck source=scripts/addr.sh
. "$lib/addr.sh"
# shellcheck source=scripts/vif/plan.sh
. "$lib/vif/plan.sh"
# shellcheck source=scripts/vif/filter.sh
. "$lib/vif/filter.sh"
# shellcheck source=scripts/nat.sh
. "$lib/nat.sh"

# The sentence goes to the admin and to libxl; a half-made vif is taken down again.
fail() {
	trap - EXIT
	say "$1"
	if [ -n "$plan" ] && [ -e "$state" ]; then
		plan_undo
	fi
	if [ "$action" = online ] && [ -n "$backend_there" ]; then
		xenstore-write "$XENBUS_PATH/hotplug-error" "$me: $1" "$XENBUS_PATH/hotplug-status" error
	fi
	exit 1
}

usage() {
	echo "usage: XENBUS_PATH=backend/vif/DOMID/DEVID vif=vifDOMID.DEVID $me online|offline" >&2
	exit 2
}

# vif_main ARGUMENT...: the whole script.
vif_main() {
	plan='' backend_there='' vlan_trusted=''
	vif_arguments "$@"
	vif_identify
	if [ "$action" = offline ]; then
		[ -e "$state" ] || [ -e "$state.new" ] || return 0
		net_lock
		[ ! -e "$state" ] || plan_undo
		rm -f "$state.new"
		return 0
	fi
	trap 'fail "something unforeseen ended the script; its standard error says more"' EXIT
	need xenstore-ls xenstore-utils
	vif_nodes
	need ip iproute2
	case $antispoof in
	yes) need nft nftables ;;
	no) ;;
	*) fail "antispoof=$antispoof is neither yes nor no" ;;
	esac
	net_lock
	[ ! -e "$state" ] || plan_undo
	vif_interface
	mode_plan
	state_write "$state" "$plan"
	vif_start
	net_unlock
	vif_connected
	trap - EXIT
}

# Words that libxl passes, and lines of xend (vif-script 'vif-route netdev=lan'); the store's values win over them.
vif_arguments() {
	action='' command='' type_if=vif
	ip='' bridge='' vlan='' antispoof='' dhcp=''
	netdev=${netdev:-}
	for word; do
		case $word in
		online | add) action=online command=$word ;;
		offline | remove) action=offline command=$word ;;
		type_if=*) type_if=${word#*=} ;;
		netdev=*) netdev=${word#*=} ;;
		bridge=*) bridge=${word#*=} ;;
		ip=*) ip=${word#*=} ;;
		vlan=*) vlan=${word#*=} ;;
		dhcp=*) dhcp=${word#*=} ;;
		antispoof=*) antispoof=${word#*=} ;;
		*) usage ;;
		esac
	done
	case $type_if/$command in
	vif/online | vif/offline | tap/add | tap/remove) ;;
	vif/add | vif/remove | tap/online | tap/offline) exit 0 ;;
	*) usage ;;
	esac
}

# Whose interface: sets domid, devid, tap (-emu for an emulated NIC), id, state, sibling, dev.
vif_identify() {
	tap='' dev=${vif:-}
	if [ "$type_if" = tap ]; then
		tap=-emu dev=${INTERFACE:-}
		id=${dev#vif}
		id=${id%-emu}
		XENBUS_PATH=${XENBUS_PATH:-/local/domain/0/backend/vif/${id%%.*}/${id#*.}}
	fi
	XENBUS_PATH=${XENBUS_PATH:-}
	domid=${XENBUS_PATH##*backend/vif/}
	devid=${domid#*/}
	domid=${domid%%/*}
	case $domid:$devid in
	:* | *: | *[!0-9:]* | ??????*:* | *:??????*) usage ;;
	esac
	id=$domid.$devid$tap
	state=$NET_DIR/vif$id
	sibling=$NET_DIR/vif$domid.$devid
	[ -n "$tap" ] || sibling=$sibling-emu
	dev=${dev:-vif$id}
}

# Each key once, from one listing.  xenstore-ls writes what can't be printed as \n, \t or \ooo: a line is a key.
vif_nodes() {
	local line listing
	listing=$(xenstore-ls "$XENBUS_PATH" 2>/dev/null) || fail "$XENBUS_PATH is gone from the store"
	backend_there=y
	mac='' mtu='' vifname='' frontend=''
	while IFS= read -r line; do
		value=${line#*' = "'}
		value=${value%'"'}
		case $line in
		'mac = "'*) mac=$value ;;
		'ip = "'*) ip=$value ;;
		'bridge = "'*) bridge=$value ;;
		'gatewaydev = "'*) netdev=$value ;;
		'vlan = "'*) vlan=$value ;;
		'mtu = "'*) mtu=$value ;;
		'vifname = "'*) vifname=$value ;;
		'frontend = "'*) frontend=$value ;;
		esac
	done <<-EOF
		$listing
	EOF
	network_read "$mode"
	antispoof=${antispoof:-${net_antispoof:-yes}}
	mac_parse "$mac" || fail "mac=$mac is no address that an interface can have"
	case $mtu in
	'') ;;
	*[!0-9]* | 0* | ? | ??????*) fail "mtu=$mtu is no number of bytes from 68 to 65535" ;;
	esac
	vif_addresses "$ip"
}

# Sets $prefixes: what ip= lists, of both families, each once.
vif_addresses() {
	prefixes=
	[ ${#1} -le 1000 ] || fail "ip= has ${#1} characters; 1000 are the most"
	for word in $1; do
		addr_parse "$word" || fail "ip=$1: '$word' is neither an IPv4 nor an IPv6 address"
		case " $prefixes " in
		*" $a_text "*) ;;
		*) prefixes=$prefixes${prefixes:+ }$a_text ;;
		esac
	done
}

# The interface as it is ($dev, $index), and what it will be called ($name).
vif_interface() {
	name_ok "$dev" || fail "'$dev' can't be an interface's name"
	dev_index "$dev"
	[ -n "$index" ] || vif_missing
	name=$dev
	if [ -n "$vifname" ]; then
		name=$vifname$tap
		name_ok "$name" || fail "vifname=$vifname can't be an interface's name: up to $((15 - ${#tap})) letters, digits, dots and dashes"
		[ "$name" = "$dev" ] || ! dev_exists "$name" ||
			fail "vifname=$vifname: another interface has this name; choose another one"
	fi
	sysfs_read "$dev/address"
	old=$value
	sysfs_read "$dev/mtu"
	old="$old $value"
	sysctl_digit "ipv6/conf/$dev/addr_gen_mode"
	plan_add dev "$dev" "$name" "$index" "$old" "${value:-0}"
	[ "$antispoof" = no ] || plan_add chain "vif$id"
}

# netback may have said why there is none.
vif_missing() {
	local sentence
	sentence=$(xenstore-read "error/backend/vif/$domid/$devid/error" 2>/dev/null)
	sentence=${sentence#[0-9]* }
	fail "${sentence:-there is no interface $dev; is netback running?}"
}

# Down, renamed, and filtered before it can be up.
vif_start() {
	local lines="link set dev $dev down"
	[ "$name" = "$dev" ] || lines=$lines$LF"link set dev $dev name $name"
	lines=$lines$LF"addr flush dev $name$LF"
	lines=$lines"link set dev $name address fe:ff:ff:ff:ff:ff addrgenmode none"
	[ -z "$mtu" ] || lines=$lines$LF"link set dev $name mtu $mtu"
	ip_do "$lines" || fail "can't set up $dev: $reason"
	if [ "$antispoof" != no ]; then
		filter_text
		printf '%s\n' "$filter" >"$NET_DIR/filter.$id" || fail "can't write $NET_DIR/filter.$id"
		nft_file "$NET_DIR/filter.$id" || fail "can't keep $name from spoofing: $reason"
	fi
	mode_start
}

# The guest may be told the MTU only in its own directory, and only a guest that is there.
vif_connected() {
	[ -z "$tap" ] || return 0
	set -- "$XENBUS_PATH/hotplug-status" connected
	# netback looks at addresses, too, unless it is told not to.
	[ "$antispoof" = yes ] || set -- "$XENBUS_PATH/anti-spoof" off "$@"
	if [ -n "$mtu" ] && [ "$frontend" = "/local/domain/$domid/device/vif/$devid" ]; then
		set -- "$frontend/mtu" "$mtu" "$@"
	fi
	xenstore-write "$@" || fail "can't write $XENBUS_PATH/hotplug-status"
}
