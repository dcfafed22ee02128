#!/bin/bash
# SPDX-License-Identifier: MIT
# network-route: starts, says what it serves, and gives back what it found, also when NAT needs the same; bad words are refused.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 20

lan_make
guest a 7 ip=192.168.7.77 gatewaydev=eth0
before=$(census)
get() { cat /proc/sys/net/ipv{4,6}/conf/all/forwarding /proc/sys/net/ipv6/conf/eth0/{accept_ra,proxy_ndp} | tr '\n' ' '; }

is "$(get)" "0 0 1 0 " "nothing is forwarded at first"
ok "starts" network route start netdev=eth0
is "$(get)" "1 1 2 1 " "packets are forwarded, and routers still listened to"
ok "a guest goes online" vif route online 7
like "$(network route status)" 'netdev=eth0.*' "status says so"
like "$(network route status)" "interfaces: vif7.0" "and whom it serves"
like "$(network route stop)" 'still serves vif7.0' "and stop leaves that alone"
ok "NAT starts beside it" network nat start netdev=eth0 dhcp=no
vif route offline 7 >/dev/null
ok "routing stops" network route stop
is "$(get)" "1 1 2 0 " "and what NAT needs stays"
ok "NAT stops" network nat stop
is "$(diff <(echo "$before") <(census))" "" "and the host is as it was"
ok "a vif that finds no routing starts it" vif route online 7
ok "and goes offline" vif route offline 7
ok "as if it had been started by hand" network route stop netdev=eth0
is "$(diff <(echo "$before") <(census))" "" "and the host is as it was"

nft 'table inet admin { chain forward { type filter hook forward priority 0; policy drop; }; }'
like "$(network route start netdev=eth0)" 'chain forward of table inet admin drops .*nft insert rule inet admin forward' "a firewall that drops guests' packets is named, with the rule that lets them through"
like "$(nft list table inet admin)" 'policy drop' "and left alone"
for word in vifnum=0 netdev=nope 'netdev=a b' antispoof=maybe dhcp=yes subnet=10.0.0.0/16 foo; do
	network route stop >/dev/null
	out=$(network route start "$word") && echo "taken: $word"
done >"$WORK/taken"
is "$(cat "$WORK/taken")" "" "words that are none are refused"
like "$(network route start vifnum=0)" "vifnum= was for Xen 3.*bridge=xenbr0" "vifnum= with what to write instead"
