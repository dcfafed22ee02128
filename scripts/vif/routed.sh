# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC3043,SC2034,SC2154 # dash, ash and bash have local; names are shared with who sources it
#
# Routing to a vif, for vif-route and vif-nat: a link of its own with the guest alone on it.  Sourced by them.

# An emulated NIC's route wins over its vif's, as long as there is one: as Xen's own script has it.
route_metric() {
	metric=2
	[ -z "$tap" ] || metric=1
}

# routed_plan IPV4-GATEWAY NETDEV: adds to the plan, and to $routed, the lines for ip(8).  No NETDEV: nobody is answered for.
routed_plan() {
	local a
	routed='' gateway4=$1
	route_metric
	case $prefixes in
	*.*) routed_add "addr $1/32" "addr add $1/32 dev $name" ;;
	esac
	case $prefixes in
	*:*) routed_add "addr fe80::1/64" "addr add fe80::1/64 dev $name nodad" ;;
	esac
	for a in $prefixes; do
		case $a in
		*:*) routed_add "route $a $metric" "route add $a dev $name metric $metric" ;;
		*) routed_add "route $a $metric" "route add $a dev $name src $1 metric $metric" ;;
		esac
		case $2/$a in
		/* | */*/*) ;;
		*) routed_add "proxy $a $2" "neigh replace proxy $a dev $2" ;;
		esac
	done
}

routed_add() {
	plan_add "$1"
	routed=$routed$LF$2
}

# The guest may take the whole subnet for its link: we answer for the rest of it, and without the usual delay, which is for
# links where others might.
routed_start() {
	ip_do "link set dev $name up$routed" || fail "can't route to $name: $reason"
	sysctl_set "ipv4/conf/$name/proxy_arp" 1
	sysctl_set "ipv4/neigh/$name/proxy_delay" 0
}

# network_start SCRIPT ARGUMENT...: below the lock that we hold.
network_start() {
	local script="$1"
	shift
	reason=$(HALFBACK_NET_LOCKED=y "$lib/network/$script" start "$@" 2>&1 >/dev/null) ||
		fail "the network can't be started: ${reason#*: }"
}
