#!/bin/bash
# SPDX-License-Identifier: MIT
# Taps before Linux 6.4, on which a read can't say that it does not wait: io_uring uses them all the same, with no system
# call for a frame, and a queue that is closed waits for no read.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 9

bridge_make
# A preloaded library stands before a sanitizer's.
export ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0
LD_PRELOAD=$BUILD/tests/old_tap.so netback_start --queues=2 --restarts=0
XLOOP_XNET=--queues=2 nic_guest a 1 || exit 1
pings_soon host 10.0.0.11
worker=$(net_worker a)

# Queues of a tap, and of them those that are O_NONBLOCK.
taps() {
	local file n=0 k=0 flags
	for file in "/proc/$worker/fdinfo"/*; do
		grep -q '^iff:' "$file" || continue
		flags=$(sed -n 's/^flags:[[:space:]]*//p' "$file")
		n=$((n + 1)) k=$((k + ((flags & 04000) != 0)))
	done
	echo "$n $k"
}
is "$(taps)" "2 2" "the worker's queues of the tap are O_NONBLOCK"
ok "TCP from the guest" tcp_works host a 10.0.0.1 -P 2
ok "TCP to the guest" tcp_works host a 10.0.0.1 -P 2 -R

strace -f -c -U name,calls -o "$WORK/strace" -p "$worker" 2>/dev/null &
tracer=$!
sleep 0.3
iperf host a 10.0.0.1 -n 50M >/dev/null
iperf host a 10.0.0.1 -n 50M -R >/dev/null
kill -INT $tracer
wait $tracer
ok "  io_uring is entered" grep -q '^io_uring_enter' "$WORK/strace"
is "$(grep -cE '^(readv|writev|preadv2|pwritev2) ' "$WORK/strace")" 0 "  and no frame has a call of its own"

# A queue that is closed has up to 32 reads that have not begun; each has to end.
ping -f -q 10.0.0.11 >/dev/null 2>&1 &
pinger=$!
for _ in {1..5}; do
	driver_restart a --queues=2
done
vif_state a 0 4
nic_address a 1
ok "a driver that came and went five times under traffic is heard" pings_soon a 10.0.0.1
is "$(net_worker a)" "$worker" "the worker lives"
kill -9 "$worker"
ok "one that was killed is replaced" wait_for 10 net_worker a
ok "and the guest heard" pings_soon a 10.0.0.1
kill $pinger
