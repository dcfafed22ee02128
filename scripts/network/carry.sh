# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC3043,SC2034,SC2154 # dash, ash and bash have local; names are shared with who sources it
#
# Carries a NIC's addresses and routes to the bridge that it becomes a port of, and back.  Sourced by network-bridge.
#
# All of it is one run of ip(8), in an order in which every address is on one of the two at each moment: TCP connections, which
# are bound to addresses and not to interfaces, at most retransmit.  The plan has each as ip(8) takes it, so it can be put back
# as it was:
#
#	made BRIDGE             the bridge is ours
#	port NETDEV BRIDGE      the NIC became its port
#	addr FAMILY WORDS...    was on the NIC; without "dev"
#	route FAMILY WORDS...   led over it

# carry_plan NETDEV: adds its addresses and routes to the plan.
carry_plan() {
	local family
	plan=$plan$(
		plan=
		addresses_plan "$1"
		for family in 4 6; do
			routes_plan "$family" "$1"
		done
		printf '%s.' "$plan"
	)
	plan=${plan%.}
}

# Lines of `ip -o addr`: "2: eth0    inet 10.0.0.2/24 brd 10.0.0.255 scope global dynamic noprefixroute eth0\ valid_lft 8sec ...".
# A lifetime is kept only where routers renew it: a DHCP client renews what it finds on its own interface.
addresses_plan() {
	local number dev family addr rest word last words dynamic lifetime
	kernel_routes=y
	while read -r number dev family addr rest; do
		case $family in
		inet) family=4 ;;
		inet6) family=6 ;;
		*) continue ;;
		esac
		last='' words=$addr dynamic='' lifetime=
		for word in $rest; do
			case $last/$word in
			peer/* | brd/* | metric/* | scope/*) words="$words $last $word" ;;
			valid_lft/* | preferred_lft/*) lifetime="$lifetime $last ${word%sec}" ;;
			*/noprefixroute) words="$words $word" kernel_routes= ;;
			*/dynamic) dynamic=y ;;
			esac
			last=$word
		done
		[ "$family$dynamic" != 6y ] || words=$words$lifetime
		plan_add addr "$family" "$words"
	done <<-EOF
		$(ip -o addr show dev "$1" scope global)
	EOF
}

# Those that name no router first: a router has to be reachable when a route over it is made.  The kernel makes the routes to
# the addresses' own subnets itself, unless an address says that it must not.
routes_plan() {
	local line direct='' indirect='' word words last
	while read -r line; do
		case $line in
		'' | local\ * | broadcast\ * | anycast\ * | multicast\ * | fe80::/64\ * | ff00::/8\ * | *\ nhid\ *) continue ;;
		*'proto kernel'*) [ -z "$kernel_routes" ] || continue ;;
		esac
		words=
		for word in $line; do
			case $word in
			default) [ "$1" = 4 ] && words=0.0.0.0/0 || words=::/0 ;;
			linkdown | dead) ;;
			*) words="$words${words:+ }${word%sec}" ;;
			esac
		done
		case $line in
		*' via '*) indirect=$indirect"route $1 $words"$LF ;;
		*) direct=$direct"route $1 $words"$LF ;;
		esac
	done <<-EOF
		$(ip "-$1" route show table all dev "$2")
	EOF
	plan=$plan$direct$indirect
}

# carry_lines FROM TO TEXT: sets $carried, lines for ip(8), from the plan or what a file has of it.
carry_lines() {
	local word family words added='' routed='' removed=''
	while read -r word family words; do
		case $word/$family in
		addr/4) added=$added$LF"addr replace $words dev $2" ;;
		addr/6) added=$added$LF"addr replace $words dev $2 nodad" ;;
		route/*) routed=$routed$LF"route replace $words dev $2" ;;
		esac
		[ "$word" != addr ] || removed=$removed$LF"addr del ${words%% *} dev $1"
	done <<-EOF
		$3
	EOF
	carried=$added$routed$removed
}

# carry_sysctls FROM TO: what decides about IPv6 before an interface is up.
carry_sysctls() {
	for word in accept_ra autoconf disable_ipv6 use_tempaddr; do
		sysctl_get "ipv6/conf/$1/$word"
		[ -z "$value" ] || sysctl_set "ipv6/conf/$2/$word" "$value"
	done
}

# Puts back what $state says, and what else the bridge has got if it goes; nothing in it need be there.
carry_back() {
	local word a b rest made='' nic='' switch='' lines
	had=
	while read -r word a b rest; do
		case $word in
		made) made=$a ;;
		port) nic=$a switch=$b ;;
		addr | route) had=$had"$word $a $b $rest"$LF ;;
		sysctl) sysctl_set "$a" "$b" ;;
		esac
	done <"$state"
	[ -n "$nic" ] || return 0
	if [ -n "$made" ] && dev_exists "$made"; then
		plan=
		carry_plan "$made"
		had=$plan$had
	fi
	carry_lines "$switch" "$nic" "$had"
	[ ! -e "/sys/class/net/$switch/brif/$nic" ] || lines="link set dev $nic nomaster"
	ip_undo "${lines:-}$carried${made:+${LF}link del dev $made}"
}

# ---- routers ------------------------------------------------------------------------------------------

# neighbour_answers ADDRESS DEV: within three seconds, asked by the kernel itself (ARP, neighbour discovery).
neighbour_answers() {
	local try=0 how='nud none use'
	case $(ip neigh show "$1" dev "$2") in
	*PERMANENT* | *NOARP*) return 0 ;;
	*REACHABLE* | *STALE* | *DELAY*) how='nud probe' ;;
	esac
	ip_do "neigh replace $1 dev $2 $how" || return 1
	while [ $try -lt 60 ]; do
		case $(ip neigh show "$1" dev "$2") in
		*REACHABLE*) return 0 ;;
		esac
		sleep 0.05
		try=$((try + 1))
		# A NIC that has only just got its link may have lost the question, which Linux repeats after a second.
		[ $((try % 5)) -ne 0 ] || ip_do "neigh del $1 dev $2${LF}neigh replace $1 dev $2 nud none use" || return 1
	done
	return 1
}

# Sets $gateways: the default routers over $1 that answer now.
gateways_find() {
	gateways=
	for family in -4 -6; do
		default_route $family
		if [ "$gateway_dev" = "$1" ] && [ -n "$gateway" ] && neighbour_answers "$gateway" "$1"; then
			gateways="$gateways $gateway"
		fi
	done
}

# They all answer behind $1, too; else $lost is one that doesn't.  A NIC may need seconds for its link when it becomes a port.
gateways_answer() {
	local try=0
	for lost in $gateways; do
		until neighbour_answers "$lost" "$1"; do
			try=$((try + 1))
			[ $try -lt 2 ] || return 1
		done
	done
}
