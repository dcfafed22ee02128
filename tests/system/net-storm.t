#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that writes its node request-multicast-control or its state Reconfiguring over and over (XSA-349): netback's
# memory stays what it is, the last word counts, and its neighbour has its network.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 6

bridge_make
netback_start
nic_guest a 1 && nic_guest b 2 || exit 1
pings_soon host 10.0.0.11
pings_soon host 10.0.0.12
FE=/local/domain/1/device/vif/0
rss() {
	awk '/^VmRSS/ { print $2 }' "/proc/$NETBACK_PID/status"
}
in_guest b stdbuf -oL ping -n -i 0.1 10.0.0.1 >"$WORK/ping" 2>&1 &
beside=$!
case $BUILD in */asan | */tsan) bound=65536 ;; *) bound=1024 ;; esac # KiB
before=$(rss)
for i in {1..300}; do
	xenstore-write $FE/request-multicast-control 1 $FE/request-multicast-control 0 $FE/xdp-headroom "$((i % 2 * 256))" \
		$FE/request-multicast-control 1
done
after=$(rss)
ok "900 changes of a wish cost less than $bound KiB ($((after - before)))" [ $((after - before)) -lt $bound ]
xenstore-write $FE/request-multicast-control 1
errors() {
	halfback stats --json a | jq '.nics[0].total.rx.errors'
}
filters() { # it drops a multicast that nobody wants
	local was
	was=$(errors)
	ping -n -c 1 -W 0.1 -I xenbr0 239.1.2.3 >/dev/null 2>&1
	[ "$(errors)" -gt "$was" ]
}
ok "the last word counts" wait_for 5 filters
for _ in {1..100}; do
	xenstore-write $FE/state 7 $FE/state 4 $FE/state 7 $FE/state 4
done
after=$(rss)
ok "so do 400 states ($((after - before)))" [ $((after - before)) -lt $bound ]
ok "it ends at Connected" wait_node "$VIF_BE/1/0/state" 4
ok "with its network" pings_soon host 10.0.0.11
kill $beside
# shellcheck disable=SC2016 # of awk's
ok "and its neighbour lost no packet" awk -F'icmp_seq=' 'NF > 1 { n++; last = $2 + 0 } END { exit !(n > 3 && n == last) }' \
	"$WORK/ping"
