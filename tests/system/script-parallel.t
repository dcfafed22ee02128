#!/bin/bash
# SPDX-License-Identifier: MIT
# 64 vifs brought up and down side by side, bridged, routed and behind NAT: no rule is lost, and none is left.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 5

N=64
bridge_make
lan_make
network route start >/dev/null
network nat start dhcp=no >/dev/null
for ((i = 1; i <= N; i++)); do
	echo "link add vif$i.0 type veth peer name g$i"
done | ip -batch -
for ((i = 1; i <= N; i++)); do
	nodes $i "mac=$(guest_mac $i)" "ip=192.168.100.$i 2001:db8:100::$i" bridge=xenbr0 gatewaydev=eth0
done
before=$(census)
modes=(bridge route nat)

all() { # online|offline
	local pids=() i failed=0
	for ((i = 1; i <= N; i++)); do
		vif "${modes[i % 3]}" "$1" $i >"$WORK/out.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || failed=$((failed + 1))
	done
	[ $failed -eq 0 ] || { cat "$WORK"/out.*; return 1; }
}

ok "all go online" all online
is "$(nft list ruleset | grep -c 'type filter hook ingress')" $N "each has its chain"
is "$(bridge link | grep -c xenbr0) $(ip route | grep -c 'dev vif') $(ip neigh show proxy | wc -l)" "21 43 44" "and its port or its routes"
ok "all go offline" all offline
is "$(census)" "$before" "and the host is as it was"
