#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that offers no room for packets: they are dropped after a while, then its interface loses its carrier; memory
# stays what it is (XSA-392), its neighbour has its network, and all is well again when it offers room.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 9

bridge_make
netback_start --rx-drain-ms=500 --rx-stall-ms=1500
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
nic_guest b 2 || exit 1
pings_soon host 10.0.0.12
carrier_is() {
	[ "$(cat /sys/class/net/vif1.0/carrier)" = "$1" ]
}
xloop exec a -- "$BUILD/tests/nethostile" 0 no-room >"$WORK/out" 2>&1 &
guest=$!
wait_for 10 grep -q connected "$WORK/out"
ok "its interface has a carrier" wait_for 5 carrier_is 1
worker=$(net_worker a)
before=$(awk '/^VmRSS/ { print $2 }' "/proc/$worker/status")
ip link set vif1.0 nomaster
netload --interface=vif1.0 --size=1500 --runtime=1 >"$WORK/flood" 2>&1
after=$(awk '/^VmRSS/ { print $2 }' "/proc/$worker/status")
ok "a flood costs at most 4 MiB ($((after - before)) KiB)" [ $((after - before)) -lt 4096 ]
ok "packets are dropped" wait_for 5 sh -c "[ \$(halfback stats --json a | jq '.nics[0].total.rx.errors') -gt 0 ]"
ok "and then it has no carrier" wait_for 5 carrier_is 0
like "$(cat "$XLOOP_DIR/netback.log")" "vif 0: the guest offers no room for packets; its interface has no carrier" "which is said"
ok "its neighbour has its network" pings host 10.0.0.12
kill -USR1 $guest # now it offers room
ok "with room there is a carrier again" wait_for 5 carrier_is 1
wait $guest
is "$(tail -n 1 "$WORK/out")" "no-room room" "and the guest lives"

# One that does not tell of new slots: packets wait 30 ms, and its carrier stays.
xloop exec a -- "$BUILD/tests/nethostile" 0 --no-rx-notify no-room >"$WORK/out" 2>&1 &
guest=$!
wait_for 10 grep -q connected "$WORK/out"
wait_for 5 carrier_is 1
netload --interface=vif1.0 --size=1500 --runtime=2 >"$WORK/flood" 2>&1
ok "a guest without feature-rx-notify keeps its carrier" carrier_is 1
kill -USR1 $guest
wait $guest
