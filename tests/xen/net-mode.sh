# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Network modes on real Xen: stock xl and stock guests, our scripts where xl.conf says, a LAN in a namespace of dom0's.
# Sourced by tests/xen/net-mode-*.t after lib.sh; the LAN is tests/net.sh's.

# shellcheck source=tests/net.sh
. "$TOP/tests/net.sh"

# As installed, for nothing of this is in $BUILD.
net_install() {
	local module
	while read -r module; do
		insmod "$BUILD/net$module" 2>/dev/null
	done <"$BUILD/net/modules"
	mkdir -p /etc/xen/scripts/halfback /usr/local/lib /run/halfback
	cp "$BUILD/halfback" /usr/local/sbin/
	ln -sfn "$TOP/scripts" /usr/local/lib/halfback
	ln -sf /usr/local/lib/halfback/vif/vif-* /etc/xen/scripts/halfback/
	echo 'vif.default.script="halfback/vif-halfback"' >>/etc/xen/xl.conf
	export HALFBACK_RUN_DIR=/run/halfback
	PATH=/usr/local/sbin:$PATH
}

# net_mode LINES: the LAN, netback, and the network that these lines of halfback.conf ask for.
net_mode() {
	net_install
	lan_make
	mkdir -p "$WORK/www"
	echo "here is the LAN" >"$WORK/www/index.html"
	in_ns lan busybox httpd -p 80 -h "$WORK/www"
	lan_watch
	echo "--- $0" >>"$LOG/netback.log"
	"$BUILD/netback" -v >>"$LOG/netback.log" 2>&1 &
	NETBACK_PID=$!
	[ -z "${NET_PREPARE:-}" ] || $NET_PREPARE
	printf '[network]\n%b\n' "$1" >/etc/xen/halfback.conf
	before=$(census | sort)
	ok "the network starts" halfback network start
}

# What a guest may claim to be, counted as it comes to the LAN's NIC.
lan_watch() {
	in_ns lan nft -f - <<-END
		table netdev watch {
			chain in {
				type filter hook ingress device "nic" priority 0;
				ether saddr 00:16:3e:ff:ff:ff counter comment "MAC"
				ip saddr 192.168.7.99 counter comment "IPv4"
				ip6 saddr 2001:db8:7::99 counter comment "IPv6"
				arp saddr ip 192.168.7.99 counter comment "ARP"
				icmpv6 type nd-neighbor-advert @th,64,128 0x20010db8000700000000000000000099 counter comment "ND"
				ip saddr 192.168.7.0/24 counter comment "own"
			}
		}
	END
}

lan_saw() { # WHAT
	in_ns lan nft list ruleset | awk -v what="\"$1\"" '$NF == what { for (i = 1; i < NF; i++) if ($i == "packets") print $(i + 1) }'
}

# nic_guest NAME VIF: a guest with one NIC, as its xl.cfg has it.
nic_guest() {
	GUEST_VIF=$2 guest_create "$1" pv
	guest_run "$1" 'echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad ; ip link set lo up ; ip link set eth0 up'
}

# nic_address NAME ADDRESS... via GATEWAY...
nic_address() {
	local name=$1 word line='' via=
	shift
	for word; do
		case $word in
		via) via=y ;;
		*:*) line="$line ip -6 ${via:+route}${via:-addr} add ${via:+default via }$word dev eth0 ;" ;;
		*) line="$line ip ${via:+route}${via:-addr} add ${via:+default via }$word dev eth0 ;" ;;
		esac
	done
	guest_run "$name" "${line//routey/route} true"
}

guest_reaches() { # NAME ADDRESS
	case $2 in
	*:*) guest_run "$1" "for i in 1 2 3 4 5 6 ; do ping6 -c 1 -W 2 $2 && break ; done" ;;
	*) guest_run "$1" "for i in 1 2 3 4 5 6 ; do ping -c 1 -W 2 $2 && break ; done" ;;
	esac
}

# By nc: busybox' wget dies in a guest without a resolver's files.
guest_fetches() { # NAME ADDRESS TEXT
	guest_run "$1" "printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 10 $2 80 | grep '$3'"
}

# connected A4 A6 B4 B6: 8 tests of what guests a and b reach.
connected() {
	guest_run b "mkdir -p /www ; echo here is b >/www/index.html ; httpd -p 80 -h /www" >/dev/null
	ok "guest to guest: ping, IPv4" guest_reaches a "$3"
	ok "guest to guest: ping, IPv6" guest_reaches a "$4"
	ok "guest to guest: TCP, IPv4" guest_fetches a "$3" "here is b"
	ok "guest to guest: TCP, IPv6" guest_fetches a "$4" "here is b"
	ok "guest to LAN: ping, IPv4" guest_reaches a 192.168.7.1
	ok "guest to LAN: ping, IPv6" guest_reaches a 2001:db8:7::1
	ok "guest to LAN: TCP, IPv4" guest_fetches b 192.168.7.1 "here is the LAN"
	ok "guest to LAN: TCP, IPv6" guest_fetches b 2001:db8:7::1 "here is the LAN"
}

# 2 tests: guest a claims addresses and a MAC that are not its own.
spoofs() {
	guest_run a 'echo 1 >/proc/sys/net/ipv6/conf/eth0/ndisc_notify ; ip addr add 192.168.7.99/32 dev eth0 ;
		ip -6 addr add 2001:db8:7::99/128 dev eth0 ; arping -q -c 2 -U -I eth0 -s 192.168.7.99 192.168.7.99 ;
		ping -q -c 2 -W 1 -I 192.168.7.99 192.168.7.1 ; ping6 -q -c 2 -W 1 -I 2001:db8:7::99 2001:db8:7::1 ;
		ip -6 addr del 2001:db8:7::99/128 dev eth0 ; ip addr del 192.168.7.99/32 dev eth0 ;
		echo 0 >/proc/sys/net/ipv6/conf/eth0/ndisc_notify ;
		ip link set eth0 down ; ip link set eth0 address 00:16:3e:ff:ff:ff ; ip link set eth0 up ; cat /sys/class/net/eth0/address ;
		arping -q -c 2 -w 3 -I eth0 192.168.7.1 ;
		ip link set eth0 down ; ip link set eth0 address 00:16:3e:00:00:01 ; ip link set eth0 up ; true' >"$WORK/spoofs"
	like "$(cat "$WORK/spoofs")" 00:16:3e:ff:ff:ff "a guest takes another MAC, and other addresses"
	is "$(for what in MAC IPv4 IPv6 ARP ND; do lan_saw $what; done | xargs)" "0 0 0 0 0" "no spoofed MAC, IPv4, IPv6, ARP or ND gets to the LAN"
}

attach_once() { # ROUND
	# shellcheck disable=SC2086 # words
	xl network-attach a mac=00:16:3e:00:01:01 $ATTACH || return 1
	[ "$(xl network-list a | wc -l)" -eq 3 ] || return 1
	xl network-detach a 1
}

# comes_and_goes XL-WORDS: 4 tests, and the guests are gone after them.
comes_and_goes() {
	ATTACH=$1
	ok "a NIC comes and goes 20 times" rounds 20 attach_once
	xl destroy a
	xl destroy b
	is "$(planned_vifs; ip -br link | grep -c '^vif'; nft list ruleset | grep -c vif; ip route | grep vif; ip neigh show proxy)" "0
0" "destroyed, guests leave no interface, rule, route or proxied neighbour"
	ok "the network stops" halfback network stop
	is "$(diff <(echo "$before") <(census | sort))" "" "and dom0 is as it was"
	kill "$NETBACK_PID"
	wait "$NETBACK_PID"
	# The next test in this boot makes its own.
	ip netns pids lan | xargs -r kill
	ip netns del lan
	wait_for 10 eval '[ ! -e /sys/class/net/eth0 ]'
}
