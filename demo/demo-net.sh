#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `make demo MODE=bridge|route|nat`: two guests' NICs in one of the network modes, on any Debian 12 machine, with no hypervisor.
#
# It starts a private host with a network of its own, behind whose NIC is a LAN with a router; writes halfback.conf, starts
# that network and netback, and creates two guests by the words of an xl.cfg; shows whom they reach, that a spoofed packet goes
# nowhere, and a TCP connection that goes on when netback's worker is killed; and takes all of it away again.

set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export BUILD
MODE=${1:-}

case $MODE in
bridge | route | nat) ;;
*)
	echo "make demo MODE=bridge, MODE=route or MODE=nat" >&2
	exit 2
	;;
esac
if [ "$(id -u)" -ne 0 ]; then
	echo "make demo needs root, for network namespaces; run: sudo make demo MODE=$MODE" >&2
	exit 1
fi
if [ -z "${DEMO_IN_HOST:-}" ]; then
	export DEMO_IN_HOST=1
	exec "$BUILD/xloop" run -- "$BASH" "$0" "$MODE"
fi

trap "exit 130" INT
trap "exit 143" TERM HUP
cd "$XLOOP_DIR" || exit 1
# For namespaces' names, and dnsmasq, which has to read what scripts write here.
mount -t tmpfs none /run
export HALFBACK_RUN_DIR=/run/halfback
mkdir /run/halfback
started=$(date +%s)
step=0

say() {
	step=$((step + 1))
	printf '\n[%d/6] %s\n' "$step" "$*"
}

note() {
	printf '%s\n' "$*" | sed 's/^/      /'
}

die() {
	printf '\ndemo: %s\n' "$*" >&2
	for log in "$XLOOP_DIR"/*.log; do
		[ -s "$log" ] || continue
		printf -- '--- %s\n' "${log##*/}" >&2
		tail -n 15 "$log" >&2
	done
	exit 1
}

# run COMMAND...: shown as it is typed, with what it says.
run() {
	local out
	note "# $*"
	out=$("$@" 2>&1) || die "$out"
	[ -z "$out" ] || note "$out"
}

wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -le $end ] || return 1
		read -rt 0.05 <> <(:) || :
	done
}

guest() { # NAME COMMAND...
	local name=$1
	shift
	xloop exec "$name" -- "$@"
}

reach() { # NAME ADDRESS WHAT
	wait_for 10 guest "$1" ping -n -c 1 -W 1 "$2" || die "$1 does not reach $3, $2"
	note "$(printf '%-6s reaches %-28s %s' "$1" "$3" "$2")"
}

# ---- the LAN: a router behind this host's eth0 ----

lan_make() {
	sysctl -qw net.ipv6.conf.default.dad_transmits=0
	ip netns add lan
	ip link add eth0 type veth peer name nic netns lan
	ip -n lan link set lo up
	ip -n lan addr add 203.0.113.1/32 dev lo
	ip -n lan addr add 192.168.7.1/24 dev nic
	ip -n lan addr add 2001:db8:7::1/64 dev nic nodad
	ip -n lan link set nic up
	ip addr add 192.168.7.2/24 dev eth0
	ip addr add 2001:db8:7::2/64 dev eth0 nodad
	ip link set eth0 up
	ip route add default via 192.168.7.1
	ip -6 route add default via 2001:db8:7::1
	wait_for 5 ping -n -c 1 -W 1 192.168.7.1 || die "the LAN did not come up"
	ip netns exec lan iperf3 -s -D
}

# What of the host scripts may change, to be compared at the end.
census() {
	ip -o link show | cut -d: -f2
	ip -o addr show | grep -v fe80 | cut -d: -f2-
	ip route show table all | grep -vE 'fe80|ff00::/8'
	ip neigh show proxy
	nft list ruleset
	cat /proc/sys/net/ipv[46]/conf/all/forwarding
}

# ---- the guests ----

vif_of() { # N
	case $MODE in
	bridge) echo "bridge=xenbr0,ip=192.168.7.1$1 2001:db8:7::1$1" ;;
	route) echo "ip=192.168.7.1$1 2001:db8:7::1$1" ;;
	nat) echo "bridge=" ;;
	esac
}

guest_make() { # NAME N
	local vif
	vif="mac=00:16:3e:00:00:0$2,script=$TOP/scripts/vif/vif-halfback,$(vif_of "$2")"
	printf "name = '%s'\nmemory = 64\nvif = [ '%s' ]\n" "$1" "${vif%,bridge=}" >"$1.cfg"
	note "$1: vif = [ '${vif%,bridge=}' ]"
	xloop create "$1.cfg" >/dev/null || die "guest $1 was not created"
	guest "$1" sysctl -qw net.ipv6.conf.eth0.dad_transmits=0
}

# What an admin of the guest does; $2 is its number.
guest_address() { # NAME N
	if [ "$MODE" = nat ]; then
		# shellcheck disable=SC2016 # for the client's shell
		printf '#!/bin/sh\n[ "$1" != bound ] || { ip addr add $ip/$mask dev eth0; ip route add default via $router; echo lease of $ip, router $router, DNS $dns; }\n' >dhcp
		chmod +x dhcp
		note "$1: DHCP: $(guest "$1" busybox udhcpc -i eth0 -n -q -t 5 -T 1 -s "$XLOOP_DIR/dhcp" 2>/dev/null)"
		guest "$1" ip addr add "fd48:616c:6662::a00:${2}01/128" dev eth0 nodad
		guest "$1" ip route add default via fe80::1 dev eth0
		return
	fi
	guest "$1" ip addr add "192.168.7.1$2/24" dev eth0
	guest "$1" ip addr add "2001:db8:7::1$2/$([ "$MODE" = bridge ] && echo 64 || echo 128)" dev eth0 nodad
	guest "$1" ip route add default via "$([ "$MODE" = bridge ] && echo 192.168.7.1 || echo 192.168.7.2)"
	guest "$1" ip route add default via "$([ "$MODE" = bridge ] && echo 2001:db8:7::1 || echo fe80::1)" dev eth0
}

say "halfback.conf, and the network it asks for, under a live NIC"
lan_make
before=$(census)
printf '[network]\nmode = %s\nnetdev = eth0\n' "$MODE" >halfback.conf
note "$(sed 's/^/halfback.conf: /' halfback.conf)"
ip netns exec lan iperf3 -s -p 5202 -D
iperf3 -c 192.168.7.1 -p 5202 -t 3 -J >live.json 2>&1 &
live=$!
wait_for 5 sh -c 'ss -Htn state established | grep -q :5202' || die "no TCP connection to the LAN"
run halfback network start --config halfback.conf
wait $live || die "a TCP connection of the host itself broke: $(tail -3 live.json)"
note "a TCP connection of the host itself went on meanwhile: $(jq '.end.sum_received.bytes / 1e6 | floor' live.json) MB"

say "netback, and two guests"
"$BUILD/netback" >>netback.log 2>&1 &
netback=$!
guest_make alice 1
guest_make bob 2
guest_address alice 1
guest_address bob 2

say "Whom they reach"
bob4=192.168.7.12 bob6=2001:db8:7::12
[ "$MODE" != nat ] || bob4=10.0.2.1 bob6=fd48:616c:6662::a00:201
reach alice $bob4 bob
reach alice $bob6 "bob by IPv6"
reach alice 192.168.7.1 "the LAN"
reach bob 2001:db8:7::1 "the LAN by IPv6"
reach bob 203.0.113.1 "the outside"
note "TCP alice to LAN: $(guest alice iperf3 -c 192.168.7.1 -t 1 -J | jq '.end.sum_received.bits_per_second / 1e9 * 10 | floor / 10') Gbit/s (the embedded Xen's figure)"

say "alice says she is the router, and somebody else"
guest alice "$TOP/tests/frame.py" arp src=192.168.7.1
guest alice "$TOP/tests/frame.py" ip4 src=192.168.7.99 dst=192.168.7.1
guest alice "$TOP/tests/frame.py" ip4 mac=00:16:3e:00:00:02 src=$bob4 dst=192.168.7.1
if guest bob ip neigh | grep -q "192.168.7.1 .*00:16:3e:00:00:01" || ip -n lan neigh | grep -qE '192.168.7.99'; then
	die "somebody believed her"
fi
note "nobody has heard of it"

say "Kill -9 netback's worker under a TCP connection of alice's"
guest alice iperf3 -c 192.168.7.1 -t 4 -J >kill.json 2>&1 &
load=$!
for _ in 1 2 3; do
	sleep 1
	pkill -9 -P $netback -f '^netback: dom 1 '
done
wait $load || die "the connection broke: $(tail -3 kill.json)"
note "three times: $(jq '.end.sum_received.bytes / 1e6 | floor' kill.json) MB went through, in one connection"

say "Destroy, stop, count what is left"
run xloop destroy alice
run xloop destroy bob
run halfback network stop --config halfback.conf
kill $netback
wait $netback
[ "$(census)" = "$before" ] || die "the host is not as it was: $(diff <(echo "$before") <(census))"
note "no interface, address, route, proxied neighbour, rule or sysctl is left"
printf '\nMode %s, in %d s.\n' "$MODE" $(($(date +%s) - started))
