#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that offers no room on any of its queues, while several senders at once fill all of them (XSA-392, XSA-424, where
# dropping came to a deadlock): packets are dropped on each, what the guest sends and asks goes on, its neighbour has its
# network, and with room the carrier comes back.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 11

bridge_make
netback_start --queues=2 --rx-drain-ms=200 --rx-stall-ms=1500
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
beside_start
ip link set vif1.0 nomaster
carrier_is() {
	[ "$(cat /sys/class/net/vif1.0/carrier)" = "$1" ]
}
xloop exec a -- "$BUILD/tests/nethostile" 0 --queues=2 no-room >"$WORK/out" 2>&1 &
guest=$!
wait_for 10 grep -q connected "$WORK/out"
wait_for 5 carrier_is 1
worker=$(net_worker a)
rss() {
	awk '/^VmRSS/ { print $2 }' "/proc/$worker/status"
}
before=$(rss)
flood() { # its streams are hashed to the interface's queues
	netload --interface=vif1.0 --queues=16 --size=1500 --rate=2000 --runtime=2.5 >/dev/null 2>&1
}
flood &
one=$!
flood &
other=$!
errors() { # QUEUE
	halfback stats --json a | jq ".nics[0].queues[$1].rx.errors"
}
dropped() {
	[ "$(errors 0)" -gt 0 ] && [ "$(errors 1)" -gt 0 ]
}
ok "packets are dropped on both queues" wait_for 5 dropped
FE=/local/domain/1/device/vif/0
xenstore-write $FE/xdp-headroom 128 $FE/state 7
ok "it may reconfigure meanwhile" wait_node "$VIF_BE/1/0/state" 8
xenstore-write $FE/state 4
ok "  and go back" wait_node "$VIF_BE/1/0/state" 4
ok "then its interface has no carrier" wait_for 8 carrier_is 0
wait $one $other
ok "a flood costs at most 4 MiB ($(($(rss) - before)) KiB)" [ $(($(rss) - before)) -lt 4096 ]
kill -USR1 $guest # now it offers room, on all queues
ok "with room there is a carrier again" wait_for 5 carrier_is 1
wait $guest
is "$(tail -n 1 "$WORK/out")" "no-room room" "and the guest lives"

# It goes away in the midst of it.
xloop exec a -- "$BUILD/tests/nethostile" 0 --queues=2 no-room >"$WORK/out" 2>&1 &
guest=$!
wait_for 10 grep -q connected "$WORK/out"
flood &
one=$!
wait_for 5 dropped
kill -9 $guest
is "$(xloop exec a -- "$BUILD/tests/nethostile" 0 --queues=2 good 2>/dev/null)" "good 0" "a guest that dies meanwhile connects again"
wait $one
xloop exec a -- "$BUILD/tests/nethostile" 0 --queues=2 no-room >"$WORK/out" 2>&1 &
guest=$!
ok "with a carrier" wait_for 5 carrier_is 1
wait_for 10 grep -q connected "$WORK/out"
kill -USR1 $guest
wait $guest
is "$(net_worker a)" "$worker" "the worker is the same all the time"
kill $beside
# shellcheck disable=SC2016 # of awk's
ok "and the guest beside lost no packet" awk -F'icmp_seq=' 'NF > 1 { n++; last = $2 + 0 } END { exit !(n > 3 && n == last) }' \
	"$WORK/ping"
