#!/bin/bash
# SPDX-License-Identifier: MIT
# Two onlines of one vif leave what one leaves, and take away what the first one had and the second has not.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 8

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
ok "goes offline" vif bridge offline 7
is "$(census)" "$before" "and the host is as it was"
