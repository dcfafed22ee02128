#!/bin/bash
# SPDX-License-Identifier: MIT
# NAT works out of the box: vif-nat alone gives address, DHCP, DNS, forwarding and masquerade, and both take all of it away.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 29

lan_make
guest a 7
guest b 8 ip=10.0.0.200
guest c 9
ip netns exec lan sh -c 'while :; do nc -lk -p 80 >/dev/null; done' &
with_guests=$(census)
cat >"$WORK/dhcp" <<'END'
#!/bin/sh
[ "$1" != bound ] || { ip addr add $ip/$mask dev eth0; ip route add default via $router; echo "$ip/$mask $router $dns"; }
END
chmod +x "$WORK/dhcp"
lease() { # NAME
	in_ns "$1" timeout 10 busybox udhcpc -i eth0 -n -q -t 4 -T 1 -s "$WORK/dhcp" 2>/dev/null
}

ok "a vif goes online with nothing started" vif nat online 7
like "$(network nat status)" 'started; netdev=eth0 subnet=10.0.0.0/16 .*dhcp=yes' "and NAT is started for it"
is "$(lease a)" "10.0.7.1/16 10.0.0.1 10.0.0.1" "the guest gets its address, router and DNS by DHCP"
ok "it reaches the LAN" pings a 192.168.7.1
ok "and the outside" pings a 203.0.113.1
like "$(in_ns lan ss -Htn state established; in_ns a sh -c 'echo x | nc -q 0 -w 2 192.168.7.1 80'; in_ns lan ip neigh)" '192.168.7.2' "by this host's address"
guest_addresses a fd48:616c:6662::a00:701/128 via fe80::1
ok "by IPv6, too" pings a 2001:db8:99::1

ok "a guest whose last octet is beyond 127 goes online" vif nat online 8
is "$(lease b)" "10.0.0.200/16 10.0.0.1 10.0.0.1" "and gets the address that ip= names, and a router that exists"
ok "guests reach each other" pings b 10.0.7.1
like "$(nft list chain netdev halfback vif7.0)" 'ip saddr 10.0.7.1 accept' "and each is held to its one address"

xenstore-write $VIFS/9/0/ip 10.9.9.0/24
ok "a prefix is routed beside an address of its own" vif nat online 9
like "$(ip route show dev vif9.0 | xargs)" '10.0.9.1 .*src 10.0.0.1 metric 2 .*10.9.9.0/24 .*src 10.0.0.1' "which the guest has as any other"
xenstore-write $VIFS/9/0/ip 10.0.7.1
like "$(vif nat online 9)" 'ip=: 10.0.7.1 is routed to vif7.0' "an address that another guest has is refused"
xenstore-rm $VIFS/9/0/ip
nft flush ruleset
ok "after somebody has flushed all rules" vif nat online 9
like "$(nft list table inet halfback)" 'masquerade' "the next vif that goes online sees to it that guests are translated"
like "$(network nat stop)" 'still serves vif7.0 vif8.0 vif9.0' "NAT does not stop under guests"
like "$(network nat status)" 'flushed the rules of vif7.0 vif8.0; start it again' "status names the vifs whose rules were flushed"
network nat start >/dev/null
is "$(nft list ruleset | grep -c 'hook ingress')" 3 "and each is held to its address again"
like "$(nft list set inet halfback nat4 | tr -s '\n\t ' ' ')" '10.0.0.200, 10.0.7.1, 10.0.9.1' "and starting it again brings all of them back"

ok "a vif goes offline" vif nat offline 7
is "$(nft list set inet halfback nat4 | grep -c '10.0.7.1')" 0 "it is translated no more"
is "$(grep -c '10.0.7.1' $STATES/dnsmasq.leases)" 0 "and its lease is forgotten"
is "$(awk '{ print $3 }' $STATES/dnsmasq.leases)" 10.0.0.200 "but no other one"
xenstore-write $VIFS/9/0/ip 10.0.7.1
vif nat offline 9 >/dev/null
ok "its address is free for another guest" vif nat online 9
is "$(lease c)" "10.0.7.1/16 10.0.0.1 10.0.0.1" "and leased to it"
ok "all go offline" eval 'vif nat offline 8 && vif nat offline 9'
ok "NAT stops" network nat stop
is "$(diff <(echo "$with_guests" | sort) <(census | sort))" "" "and the host is as it was"
