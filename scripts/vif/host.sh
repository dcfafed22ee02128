# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC3043,SC2034,SC2154 # dash, ash and bash have local; names are shared with who sources it
#
# What a vif's ip= must leave alone: this host's addresses, its routers, and what is routed to other vifs.  Sourced by the
# vif-* scripts after plan.sh.

# Sets $host_v4, the first IPv4 address of $1, and $host_hex, all of this host's addresses as hex digits.  fe80:: is on
# every link, and 127.0.0.1 and ::1 on each host.
host_addresses() {
	local number dev family addr rest
	host_v4='' host_hex=
	while read -r number dev family addr rest; do
		case $family/$addr in
		inet/127.* | inet6/fe80:* | inet6/::1/* | /) continue ;;
		esac
		addr_parse "${addr%%/*}" || continue
		case " $host_hex " in
		*" $a_hex "*) continue ;;
		esac
		host_hex="$host_hex $a_hex"
		[ "$dev/$a_family$host_v4" != "$1/4" ] || host_v4=$a_text
	done <<-EOF
		$(ip -o addr show)
	EOF
}

# A bridged guest may live in the host's subnet, but not at one of its addresses.
host_addresses_spared() {
	[ -n "$prefixes" ] || return 0
	host_addresses ''
	for prefix in $prefixes; do
		addr_parse "$prefix"
		case " $host_hex " in
		*" $a_hex "*) [ -z "$a_whole" ] || fail "ip=: $prefix is this host's own address" ;;
		esac
	done
}

# routes_spared NETDEV: what is about to be routed to this vif holds no address of the host, no router of it, and nothing of
# another vif.  Sets $host_v4.
routes_spared() {
	local word last='' routers='' other
	host_addresses "$1"
	for word in $(ip -4 route show default) $(ip -6 route show default); do
		[ "$last" != via ] || ! addr_parse "$word" || routers="$routers $a_hex"
		last=$word
	done
	plan_routed
	for prefix in $prefixes; do
		addr_parse "$prefix"
		set -- "$a_hex" "$a_len"
		for other in $host_hex; do
			! prefix_has "$1" "$2" "$other" || fail "ip=: $prefix holds this host's own address"
		done
		for other in $routers; do
			! prefix_has "$1" "$2" "$other" || fail "ip=: $prefix holds the address of this host's router"
		done
		for other in $taken; do
			addr_parse "${other%%=*}"
			if prefix_has "$1" "$2" "$a_hex" || prefix_has "$a_hex" "$a_len" "$1"; then
				fail "ip=: $prefix is routed to ${other#*=} already, as ${other%%=*}"
			fi
		done
	done
}
