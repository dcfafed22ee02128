#!/bin/bash
# SPDX-License-Identifier: MIT
# IPv6 in ip= is as good as IPv4: reached, routed, answered for on the LAN, alone or beside IPv4, and taken away again.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 13

lan_make
bridge_make
guest a 7 ip=2001:DB8:9::7 gatewaydev=eth0
guest b 8 ip="192.168.7.8 2001:db8:7::8" gatewaydev=eth0
guest c 9 ip=2001:db8:9:1::/64 gatewaydev=eth0
network route start >/dev/null
before=$(census)
for domid in 7 8 9; do
	ok "routed: vif$domid.0 goes online" vif route online $domid
done
guest_addresses a 2001:db8:9::7/128 via fe80::1
guest_addresses b 192.168.7.8/24 2001:db8:7::8/128 via 192.168.7.2 fe80::1
guest_addresses c 2001:db8:9:1::1234/64 via fe80::1
ok "a guest with IPv6 alone reaches another one" pings a 2001:db8:7::8
ok "a whole /64 is routed" pings a 2001:db8:9:1::1234
ok "the LAN reaches a guest in its own prefix, by proxied discovery" pings lan 2001:db8:7::8
ok "and by its IPv4 address, by proxied ARP" pings lan 192.168.7.8
ok "a guest reaches the outside" pings b 2001:db8:99::1
for domid in 7 8 9; do
	ok "vif$domid.0 goes offline" vif route offline $domid
done
is "$(census)" "$before" "and the host is as it was"
like "$(census)" "conf/eth0/proxy_ndp:1" "with the network still started"
