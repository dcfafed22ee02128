#!/bin/bash
# SPDX-License-Identifier: MIT
# NICs come and go under a guest whose other NIC is busy, twenty times, and nothing is left of them.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 8

bridge_make
netback_start
nic_guest a 1 || exit 1
census() {
	echo "fds $(find /proc/"$NETBACK_PID"/fd -mindepth 1 | wc -l)"
	echo "worker's fds $(find /proc/"$(net_worker a)"/fd -mindepth 1 | wc -l)"
	xloop stats --json 0 | jq -r '"maps \(.maps) ports \(.ports) grants \(.grants)"'
	ip -o link show type tun | wc -l
}

iperf_server host
in_guest a iperf3 -c 10.0.0.1 -t 60 -J >"$WORK/load" 2>&1 &
LOAD=$!

no_interfaces() {
	! ip link show "vif$(domid_of a).1" && ! in_guest a ip link show eth1
}
attach() {
	xloop network-attach a "mac=$(mac_of 9)" bridge=xenbr0 && in_guest a ip addr add 10.1.0.2/24 dev eth1
}
once() {
	attach && pings a 10.1.0.1 && xloop network-detach a 1 && wait_for 5 no_interfaces
}
ip addr add 10.1.0.1/24 dev xenbr0
once >>"$WORK/once" 2>&1
before=$(census)
ok=0
for _ in {1..20}; do
	once >>"$WORK/once" 2>&1 || break
	ok=$((ok + 1))
done
[ $ok -eq 20 ] || diag "$(tail -n 20 "$WORK/once")"
is $ok 20 "a NIC is attached, used and detached again 20 times"
is "$(census)" "$before" "nothing is left of it: fds, maps, ports, grants, taps"
not_ok "a NIC that is not there cannot be detached" xloop network-detach a 1
ok "the load on the other NIC runs all the time" kill -0 $LOAD
ok "a NIC is detached under its load" xloop network-detach a "$(mac_of 1)"
no_interface() {
	! in_guest a ip link show eth0
}
ok "the guest's interface goes" wait_for 10 no_interface
kill $LOAD 2>/dev/null
ok "the NIC comes back" xloop network-attach a "mac=$(mac_of 1)" devid=0
nic_address a 1
ok "and works" pings a 10.0.0.1
