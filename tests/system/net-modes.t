#!/bin/bash
# SPDX-License-Identifier: MIT
# Two guests of netback in each mode, by the words of a stock xl.cfg: each other, the LAN and the outside, ping and TCP, IPv4
# and IPv6; spoofed packets go nowhere; attached and detached again and again, and destroyed, they leave nothing.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_host "$@"
net_ready
plan 48

lan_make
netback_start
in_ns lan iperf3 -s -D >/dev/null

in_guest() { # GUEST COMMAND...
	local guest=$1
	shift
	xloop exec "$guest" -- "$@"
}

# nic_guest NAME N VIF: whose MAC ends in N.
nic_guest() {
	printf "name = '%s'\nmemory = 64\nvif = [ 'mac=00:16:3e:00:00:%02x,%s' ]\n" "$1" "$2" "$3" >"$WORK/$1.cfg"
	xloop create "$WORK/$1.cfg"
	in_guest "$1" sysctl -qw net.ipv6.conf.eth0.dad_transmits=0
}

address() { # GUEST ADDRESS... via GATEWAY...
	local guest=$1 via=
	shift
	for word; do
		case $via$word in
		via) via=via\  ;;
		via*) in_guest "$guest" ip route add default via "$word" dev eth0 onlink ;;
		*:*) in_guest "$guest" ip addr add "$word" dev eth0 nodad ;;
		*) in_guest "$guest" ip addr add "$word" dev eth0 ;;
		esac
	done
}

reaches() { # GUEST ADDRESS
	wait_for 10 in_guest "$1" ping -n -c 1 -W 1 "$2"
}

tcp() { # GUEST ADDRESS
	in_guest "$1" iperf3 -c "$2" -t 1 --connect-timeout 3000
}

# connected MODE A4 A6 B4 B6: what guests a and b reach.
connected() {
	ip -n lan neigh flush dev nic
	ok "$1: guest to guest, IPv4" reaches a "$4"
	ok "$1: guest to guest, IPv6" reaches a "$5"
	ok "$1: guest to LAN, IPv4" reaches a 192.168.7.1
	ok "$1: guest to LAN, IPv6" reaches b 2001:db8:7::1
	ok "$1: TCP to the LAN, IPv4" tcp a 192.168.7.1
	ok "$1: TCP to the LAN, IPv6" tcp b 2001:db8:7::1
	in_guest a "$TOP/tests/frame.py" ip4 "src=192.168.7.99" dst=192.168.7.1
	in_guest a "$TOP/tests/frame.py" arp "src=192.168.7.1"
	in_guest a "$TOP/tests/frame.py" na "src=$3" target=2001:db8:7::1
	# netback drops what it sees through by itself, and the chain the rest; nobody on the LAN has heard of it.
	is "$(in_ns lan ip neigh | grep -c '192.168.7.99'; in_guest b ip neigh | grep -c "192.168.7.1 .*00:16:3e:00:00:01")" "0
0" "$1: spoofed packets go nowhere"
}

# comes_and_goes MODE VIF: ten times, and both guests are destroyed.
comes_and_goes() {
	local i=0
	while [ $i -lt 10 ] && xloop network-attach a "mac=00:16:3e:00:01:01" "${@:2}" && xloop network-detach a 1; do
		i=$((i + 1))
	done >"$WORK/attach" 2>&1
	is $i 10 "$1: a NIC comes and goes ten times" || diag "$(tail -5 "$WORK/attach")"
	xloop destroy a && xloop destroy b
	is "$(planned_vifs; nft list ruleset | grep -c vif; ip route | grep vif; ip neigh show proxy)" 0 "$1: the guests have left nothing"
}

before=$(census | sort)
config() { printf '[network]\nmode = %b\n' "$1" >"$WORK/conf"; }
net() { halfback network "$1" --config "$WORK/conf" 2>&1; }
S=$SCRIPTS/vif

config 'bridge\nnetdev = eth0'
ok "bridge: the network starts" net start
ok "bridge: a guest is created" nic_guest a 1 "script=$S/vif-bridge,ip=192.168.7.11 2001:db8:7::11"
ok "bridge: and another one" nic_guest b 2 "script=$S/vif-halfback,bridge=xenbr0,ip=192.168.7.12 2001:db8:7::12,vifname=web"
address a 192.168.7.11/24 2001:db8:7::11/64 via 192.168.7.1
address b 192.168.7.12/24 2001:db8:7::12/64 via 192.168.7.1
up=$(ip -o link show web)
like "$(nic_guest c 3 "script=$S/vif-bridge,bridge=xenbr0,vifname=web" 2>&1)" 'vifname=web: another interface has this name' "bridge: a third one can't have the second one's vifname"
is "$(ip -o link show web)" "$up" "bridge: whose interface stays as it is"
connected bridge 192.168.7.11 2001:db8:7::11 192.168.7.12 2001:db8:7::12
comes_and_goes bridge "script=$S/vif-bridge" bridge=xenbr0 ip=192.168.7.13
ok "bridge: the network stops" net stop
is "$(diff <(echo "$before") <(census | sort))" "" "bridge: and the host is as it was"

config 'route\nnetdev = eth0'
ok "route: the network starts" net start
ok "route: a guest is created" nic_guest a 1 "script=$S/vif-route,gatewaydev=eth0,ip=192.168.7.11 2001:db8:7::11"
ok "route: and another one" nic_guest b 2 "script=$S/vif-halfback,ip=192.168.7.12 2001:db8:7::12"
address a 192.168.7.11/24 2001:db8:7::11/128 via 192.168.7.2 fe80::1
address b 192.168.7.12/24 2001:db8:7::12/128 via 192.168.7.2 fe80::1
connected route 192.168.7.11 2001:db8:7::11 192.168.7.12 2001:db8:7::12
ok "route: the LAN reaches a guest" in_ns lan ping -n -c 1 -W 2 192.168.7.12
comes_and_goes route "script=$S/vif-route" gatewaydev=eth0 ip=192.168.7.13
ok "route: the network stops" net stop
is "$(diff <(echo "$before") <(census | sort))" "" "route: and the host is as it was"

config 'nat\nnetdev = eth0\nsubnet = 10.77.0.0/24'
ok "nat: the network starts" net start
ok "nat: a guest is created" nic_guest a 1 "script=$S/vif-nat"
ok "nat: and another one" nic_guest b 2 "script=$S/vif-halfback"
cat >"$WORK/dhcp" <<'END'
#!/bin/sh
[ "$1" != bound ] || { ip addr add $ip/$mask dev eth0; ip route add default via $router; echo "$ip/$mask $router $dns"; }
END
chmod +x "$WORK/dhcp"
lease() { in_guest "$1" timeout 10 busybox udhcpc -i eth0 -n -q -t 5 -T 1 -s "$WORK/dhcp" 2>/dev/null; }
is "$(lease a)" "10.77.0.2/24 10.77.0.1 10.77.0.1" "nat: a guest has a lease"
is "$(lease b)" "10.77.0.3/24 10.77.0.1 10.77.0.1" "nat: and so has the other"
address a fd48:616c:6662::a4d:2/128 via fe80::1
address b fd48:616c:6662::a4d:3/128 via fe80::1
connected nat 10.77.0.2 fd48:616c:6662::a4d:2 10.77.0.3 fd48:616c:6662::a4d:3
ok "nat: guest to the outside" reaches b 203.0.113.1
comes_and_goes nat "script=$S/vif-nat"
ok "nat: the network stops" net stop
is "$(diff <(echo "$before") <(census | sort))" "" "nat: and the host is as it was"
