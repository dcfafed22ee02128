#!/bin/bash
# SPDX-License-Identifier: MIT
# Two onlines of one vif leave what one leaves, and take away what the first one had and the second has not.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 11

bridge_make
guest a 7 ip="10.0.0.7 10.0.0.8"
before=$(census)
ok "goes online" vif bridge online 7
once=$(census)
ok "goes online once more" vif bridge online 7
is "$(census)" "$once" "and nothing is there twice"
xenstore-write $VIFS/7/0/ip 10.0.0.9
ok "goes online with another address" vif bridge online 7
is "$(nft list ruleset | grep -c '10\.0\.0\.[78]')" 0 "and nothing of the old one is left"
is "$(nft list ruleset | grep -c '10\.0\.0\.9')" 2 "but the new one is there"
xenstore-write $VIFS/7/0/gatewaydev lan0
ip link add lan0 type veth peer name x
ip addr add 192.168.7.2/24 dev lan0
sysctl -qw net.ipv4.ip_forward=1
ok "goes online routed" vif route online 7
xenstore-write $VIFS/7/0/ip 10.0.0.7
ok "and with another address" vif route online 7
is "$(ip route show dev vif7.0 | cut -d' ' -f1; ip neigh show proxy | xargs)" "10.0.0.7
10.0.0.7 dev lan0 proxy" "which alone is routed and answered for"
sysctl -qw net.ipv4.ip_forward=0
ip link del lan0
ok "goes offline" vif bridge offline 7
is "$(census)" "$before" "and the host is as it was"
