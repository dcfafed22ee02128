#!/bin/bash
# SPDX-License-Identifier: MIT
# What a guest may send: its own MAC, addresses, ARP and neighbour discovery; each kind of spoofing is dropped and counted.
# In bridged, routed and NAT mode alike, by ip= alone, without br_netfilter or iptables.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 41

lan_make
bridge_make
ip link set eth0 master xenbr0

# spoofed NAME DOMID WHAT DESCRIPTION FRAME...: is dropped as WHAT, and once.
spoofed() {
	local before name=$1 domid=$2 what=$3 desc=$4
	shift 4
	before=$(dropped "$domid" "$what")
	in_ns "$name" "$TOP/tests/frame.py" "$@"
	is "$(dropped "$domid" "$what")" $((before + 1)) "$desc"
}

spoofs() { # NAME DOMID MODE
	local own4=$4 own6=$5
	spoofed "$1" "$2" MAC "$3: another's MAC" ip4 mac=00:16:3e:ff:ff:ff "src=$own4" dst=192.168.7.1
	spoofed "$1" "$2" IPv4 "$3: another's IPv4 address" ip4 src=192.168.7.99 dst=192.168.7.1
	spoofed "$1" "$2" IPv6 "$3: another's IPv6 address" ip6 src=2001:db8:7::99 dst=2001:db8:7::1
	spoofed "$1" "$2" ARP "$3: ARP about another's address" arp src=192.168.7.1
	spoofed "$1" "$2" ARP "$3: ARP with another's MAC in it" arp "src=$own4" lladdr=00:16:3e:ff:ff:ff
	spoofed "$1" "$2" ND "$3: an advertisement of another's address" na "src=$own6" target=2001:db8:7::1
	spoofed "$1" "$2" ND "$3: an advertisement with another's MAC in it" na "src=$own6" "target=$own6" lladdr=00:16:3e:ff:ff:ff
	spoofed "$1" "$2" ND "$3: a solicitation with another's MAC in it" ns "src=$own6" "target=2001:db8:7::1" lladdr=00:16:3e:ff:ff:ff
	spoofed "$1" "$2" ND "$3: a router's advertisement" ra "src=fe80::216:3eff:fe00:$2"
	spoofed "$1" "$2" VLAN "$3: a frame with a VLAN's tag" ip4 vlan=5 "src=$own4" dst=192.168.7.1
	spoofed "$1" "$2" other "$3: what is neither IP nor ARP" other
}

guest a 7 ip="192.168.7.77 2001:db8:7::77"
ok "bridged: goes online" vif bridge online 7
guest_addresses a 192.168.7.77/24 2001:db8:7::77/64
ok "bridged: the guest's own IPv4 passes" pings a 192.168.7.1
ok "bridged: and its IPv6" pings a 2001:db8:7::1
spoofs a 7 bridged 192.168.7.77 2001:db8:7::77
is "$(dropped 7 MAC) $(dropped 7 IPv4) $(dropped 7 IPv6) $(dropped 7 ARP) $(dropped 7 ND)" "1 1 1 2 4" "bridged: nothing of its own was dropped"

guest b 8
ok "without ip=: goes online" vif bridge online 8
spoofed b 8 MAC "without ip=: another's MAC" ip4 mac=00:16:3e:ff:ff:ff src=10.0.0.1 dst=192.168.7.1
spoofed b 8 ARP "without ip=: ARP with another's MAC in it" arp src=192.168.7.8 lladdr=00:16:3e:ff:ff:ff
spoofed b 8 ND "without ip=: an advertisement with another's MAC in it" na src=fe80::8 target=fe80::8 lladdr=00:16:3e:ff:ff:ff
guest_addresses b 192.168.7.88/24
ok "without ip=: the guest passes with the address it chose" pings b 192.168.7.1

guest c 9 ip="192.168.9.9 2001:db8:9::9" gatewaydev=xenbr0
ip addr add 192.168.7.3/24 dev xenbr0
ok "routed: goes online" vif route online 9
spoofs c 9 routed 192.168.9.9 2001:db8:9::9

guest d 10 ip=10.0.10.1
VIF_ENV=netdev=xenbr0 ok "NAT: goes online" vif nat online 10
spoofed d 10 IPv4 "NAT: another's IPv4 address" ip4 src=10.0.10.2 dst=192.168.7.1
spoofed d 10 ARP "NAT: ARP about the gateway's address" arp src=10.0.0.1
spoofed d 10 IPv6 "NAT: another's IPv6 address" ip6 src=2001:db8:7::99 dst=2001:db8:7::1
ok "all go offline" eval 'vif bridge offline 7 && vif bridge offline 8 && vif route offline 9 && vif nat offline 10'
is "$(nft list ruleset | grep -c vif)" 0 "and no rule is left"
ok "NAT ends" network nat stop
network bridge start netdev=xenbr0 antispoof=no >/dev/null
ok "where an admin wants no filter a vif goes online" vif bridge online 7
is "$(nft list ruleset | grep -c vif)/$(vif_node 7 anti-spoof)" 0/off "without one, and netback is told to have none, too"
