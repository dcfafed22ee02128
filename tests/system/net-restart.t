#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest's driver is ended and started again, in order or killed under traffic, ten times each; each finds its NIC as new,
# and nothing of the one before is left in the backend.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 4

bridge_make
netback_start --queues=2
nic_guest a 1 || exit 1
census() {
	xloop stats --json 0 | jq -c '[.maps, .ports]'
}

killed() {
	kill -9 "$(driver_of a)"
	wait_for 5 no_driver && again
}
no_driver() {
	[ -z "$(driver_of a)" ] && ! in_guest a ip link show eth0
}
again() {
	driver_restart a --queues=2 && nic_address a 1 && wait_for 10 pings_soon a 10.0.0.1
}
again
before=$(census)
ok=0
for _ in {1..10}; do
	again || break
	ok=$((ok + 1))
done
is $ok 10 "ended and started again 10 times"
ok=0
for _ in {1..10}; do
	at host ping -q -f -c 100000 -w 5 10.0.0.11 >/dev/null 2>&1 &
	killed || break
	kill $! 2>/dev/null
	ok=$((ok + 1))
done
is $ok 10 "killed and started again 10 times"
is "$(census)" "$before" "as many maps and ports as before"
is "$(vif_node a 0 state)" 4 "the backend's state is 4"
