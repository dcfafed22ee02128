# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC3043,SC2034,SC2154 # dash, ash and bash have local; names are shared with who sources it
#
# What the network-* scripts share: their arguments, and that they end in one of two states, done or undone.  Sourced by them;
# brings in the other files that they need.
#
# `start` writes to $NET_DIR/network.MODE... what it will do, and what was there before, does it in a process of its own, and
# undoes it if that fails or dies.  `stop` undoes what the file says, and so does the next `start` where one was cut short.
# A script that sources this has mode_check, mode_plan, mode_start, mode_again (for what is done already, and may
# have been spoilt), mode_undo, mode_busy and mode_status.

# shellcheck source=scripts/net.sh
. "$lib/net.sh"
# shellcheck source=scripts/addr.sh
. "$lib/addr.sh"

usage() {
	echo "usage: $me start|stop|status [netdev=NAME] [antispoof=yes|no]$usage_more" >&2
	exit 2
}

# network_main ARGUMENT...: the whole script.
network_main() {
	plan=
	network_arguments "$@"
	need ip iproute2
	case $action in
	start) network_start ;;
	stop) network_stop ;;
	status) network_status ;;
	*) usage ;;
	esac
}

network_arguments() {
	action='' netdev='' bridge='' antispoof='' dhcp='' subnet='' subnet6=''
	for word; do
		case $word in
		start | stop | status) action=$word ;;
		netdev=*) netdev=${word#*=} ;;
		antispoof=yes | antispoof=no) antispoof=${word#*=} ;;
		antispoof=*) fail "$word: write yes or no" ;;
		vifnum=*) fail "vifnum= was for Xen 3's numbered bridges; name the bridge instead: bridge=xenbr${word#*=}" ;;
		*) argument "$word" || usage ;;
		esac
	done
	[ -z "$netdev" ] || name_ok "$netdev" || fail "netdev=$netdev can't be an interface's name"
	mode_check
}

# A word that only some of the scripts take: bridge=, dhcp=, subnet=, subnet6=.
argument() {
	case " $usage_more" in
	*"[${1%%=*}="*) ;;
	*) return 1 ;;
	esac
	case $1 in
	bridge=*) bridge=${1#*=} ;;
	dhcp=yes | dhcp=no) dhcp=${1#*=} ;;
	dhcp=*) fail "$1: write yes or no" ;;
	subnet=*) subnet=${1#*=} ;;
	subnet6=*) subnet6=${1#*=} ;;
	esac
}

# netdev=, or that of a network that is started, or the device of the default route.
netdev_find() {
	if [ -z "$netdev" ]; then
		network_read "$mode" "$bridge"
		netdev=$net_netdev
		bridge=${bridge:-$net_bridge}
	fi
	if [ -z "$netdev" ]; then
		default_route -4
		[ -n "$gateway_dev" ] || default_route -6
		netdev=$gateway_dev
		[ -n "$netdev" ] || fail "there is no default route to take the NIC from; name it: netdev=NAME"
	fi
	dev_exists "$netdev" || fail "there is no interface $netdev; 'ip link' lists them"
}

# From here on a lost terminal must not leave the host half way: it is all done or all undone.
network_start() {
	net_lock
	netdev_find
	mode_plan
	if [ -e "$state" ]; then
		if plan_is_same; then
			(mode_again) || exit 1
			filters_again
			say "is started already, on $netdev"
			return 0
		fi
		mode_busy
		[ -z "$busy" ] || fail "it was started otherwise and serves$busy; detach these, stop it, and start it then"
		undo
		plan=
		mode_plan
	fi
	trap '' HUP INT TERM
	state_write "$state" "$plan"
	if reason=$( (mode_start) 2>&1); then
		echo "set done yes" >>"$state"
		[ -z "$reason" ] || printf '%s\n' "$reason" >&2
		return 0
	fi
	undo
	reason=${reason##*"$LF"}
	fail "${reason#"$me: "}; all is as it was"
}

network_stop() {
	net_lock
	stop_find
	if [ -z "$state" ] || [ ! -e "$state" ]; then
		set +f
		rm -f "$NET_DIR"/network.*.new
		set -f
		say "is not started"
		return 0
	fi
	mode_busy
	[ -z "$busy" ] || fail "it still serves$busy; detach these first"
	trap '' HUP INT TERM
	undo
}

# Which one is meant, if there may be several.
stop_find() {
	[ -z "${state:-}" ] || return 0
	network_read "$mode"
	state=$net_file
}

undo() {
	mode_undo
	sysctl_restore
	rm -f "$state"
}

network_status() {
	stop_find
	if [ -z "$state" ] || [ ! -e "$state" ]; then
		echo "$me: not started"
		exit 3
	fi
	mode_status
	filters_gone
	[ -z "$flushed" ] || echo "$me: but somebody has flushed the rules of$flushed; start it again"
}

# Sets $flushed: vifs whose chains somebody has taken away, as `nft flush ruleset` does.
filters_gone() {
	local id
	flushed=
	set +f
	set -- "$NET_DIR"/filter.*
	set -f
	{ [ -e "$1" ] && command -v nft >/dev/null 2>&1; } || return 0
	for file; do
		id=${file##*/filter.}
		nft list chain netdev halfback "vif$id" >/dev/null 2>&1 || flushed="$flushed vif$id"
	done
}

filters_again() {
	filters_gone
	for file in $flushed; do
		nft_file "$NET_DIR/filter.${file#vif}" || say "can't keep $file from spoofing: $reason"
	done
}

# What the file says was wanted, and done to its end, is what is wanted now.
plan_is_same() {
	local line wanted='' had='' done=
	while read -r line; do
		case $line in
		'set done yes') done=y ;;
		'set '*) had=$had$line$LF ;;
		esac
	done <"$state"
	while read -r line; do
		case $line in
		'set '*) wanted=$wanted$line$LF ;;
		esac
	done <<-EOF
		$plan
	EOF
	[ -n "$done" ] && [ "$wanted" = "$had" ]
}

plan_add() {
	plan=$plan$*$LF
}

# ---- sysctls ------------------------------------------------------------------------------------------
# Several networks may want the same; the last one that stops gives back what the first one found.

# sysctl_want NAME VALUE: adds to the plan and to $sysctls.
sysctl_want() {
	local old word name rest
	sysctl_get "$1"
	old=$value
	for file in $networks; do
		while read -r word name rest; do
			[ "$word/$name" != "sysctl/$1" ] || old=$rest
		done <"$file"
	done
	[ -n "$old" ] || return 0
	plan_add sysctl "$1" "$old"
	sysctls="$sysctls $1=$2"
}

sysctls_set() {
	for word in $sysctls; do
		sysctl_set "${word%%=*}" "${word#*=}" || fail "can't set $word in /proc/sys/net"
	done
}

sysctl_restore() {
	local word name rest
	network_files
	while read -r word name rest; do
		[ "$word" != sysctl ] || sysctl_wanted "$name" || sysctl_set "$name" "$rest"
	done <"$state"
}

# Another network's file has it.
sysctl_wanted() {
	local word name rest
	for file in $networks; do
		[ "$file" != "$state" ] || continue
		while read -r word name rest; do
			[ "$word/$name" != "sysctl/$1" ] || return 0
		done <"$file"
	done
	return 1
}

# Packets go from NIC to NIC.  That makes Linux forget what routers told it, unless accept_ra is 2, and it makes it change
# accept_redirects, too; so these are put down with the rest.
forwarding_plan() {
	local conf
	sysctls=
	network_files
	set +f
	set -- /proc/sys/net/ipv6/conf/*/accept_ra
	set -f
	for conf; do
		conf=${conf#/proc/sys/net/}
		sysctl_digit "$conf"
		if [ "$value" = 1 ] || sysctl_wanted "$conf"; then
			sysctl_want "$conf" 2
		fi
	done
	sysctl_want ipv4/conf/all/forwarding 1
	sysctl_get ipv4/conf/all/accept_redirects
	sysctl_want ipv4/conf/all/accept_redirects "$value"
	sysctl_want ipv6/conf/all/forwarding 1
}

# A firewall whose policy is to drop goes on dropping, whatever our tables accept.  It is an admin's, so it is named, not changed.
forward_drops() {
	local family='' table='' chain='' line
	command -v nft >/dev/null 2>&1 || return 0
	while read -r line; do
		case $line in
		'table '*)
			table=${line#table }
			family=${table%% *} table=${table#* }
			table=${table%% *}
			;;
		'chain '*)
			chain=${line#chain }
			chain=${chain%% *}
			;;
		*'hook forward '*'policy drop;'*)
			say "chain $chain of table $family $table drops what it does not know, guests' packets too; let them through, for example: nft insert rule $family $table $chain iifname $1 accept; nft insert rule $family $table $chain oifname $1 accept"
			;;
		esac
	done <<-EOF
		$(nft list chains 2>/dev/null)
	EOF
}
