#!/bin/bash
# SPDX-License-Identifier: MIT
# Storms: STORM events on an empty ring, then as many writes of the frontend's state (20,000; `make hostile`: a million).
# blkback and the worker keep their size, answer afterwards, and another guest's disk works all the time.
STORM=${STORM:-20000}
TEST_TIMEOUT=$((120 + STORM / 200))
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
# What was freed is kept by ASan: 256 MiB, if it is not told otherwise.  That is no leak, and hides one.
export ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=8
in_host "$@"
plan 15

blkback_start
guest_create g "vdev=xvda,target=null:1G" "vdev=xvdb,target=null:1G" >/dev/null
guest_create other "vdev=xvda,target=$(image other.img 16M)" >/dev/null
xloop exec other -- blkload --dev=xvda --rw=randrw --verify --qd=4 --runtime=$((TEST_TIMEOUT)) --json >"$WORK/neighbour.other" 2>&1 &
NEIGHBOUR=$!
vbd_state 2 51712 4
xloop exec g -- blkload --dev=xvda --op=hold >"$WORK/hold" 2>&1 &
hold=$!
wait_for 10 grep -q connected "$WORK/hold"
worker=$(worker_of 1)
sizes() {
	echo "$(rss_kib "$BLKBACK_PID") $(rss_kib "$worker") $(fds_of "$BLKBACK_PID")"
}
storm_of() { # N: events, each with nothing on the ring, in 200,000s, and a read that is answered after each
	local i want=
	for ((i = 0; i < ($1 + 199999) / 200000; i++)); do
		xloop exec g -- "$BUILD/tests/blkhostile" xvdb storm || return 1
		want+=$'storm good 0\n'
	done
}
xloop exec g -- blkload --dev=xvdb --ios=1000 >/dev/null 2>&1
read -r rss worker_rss fds <<<"$(sizes)"
kicks=$(xloop stats --json g | jq .by.notifies)
is "$(storm_of "$STORM" | sort -u)" "storm good 0" "after a storm of events a read is answered"
kicks=$(($(xloop stats --json g | jq .by.notifies) - kicks))
ok "  there were $kicks events" [ $kicks -ge "$STORM" ]
read -r rss2 worker_rss2 fds2 <<<"$(sizes)"
case $BUILD in */asan | */tsan) bound=65536 ;; *) bound=2048 ;; esac
ok "  blkback kept its size ($rss to $rss2 KiB)" [ "$rss2" -lt $((rss + bound)) ]
ok "  so did the worker ($worker_rss to $worker_rss2 KiB)" [ "$worker_rss2" -lt $((worker_rss + bound)) ]
is "$fds2" "$fds" "  and its descriptors"

is "$(xloop exec g -- "$BUILD/tests/blkstorm" xvdb "${STORM}w" 7 2>/dev/null)" "$STORM" "a storm of states"
read -r rss2 worker_rss2 fds2 <<<"$(sizes)"
ok "  blkback kept its size ($rss to $rss2 KiB)" [ "$rss2" -lt $((rss + bound)) ]
ok "  so did the worker ($worker_rss to $worker_rss2 KiB)" [ "$worker_rss2" -lt $((worker_rss + bound)) ]
ok "  the disk closes" vbd_state 1 51728 6
ok "  and works afterwards" xloop exec g -- blkload --dev=xvdb --rw=randwrite --ios=500
is "$(fds_of "$BLKBACK_PID")" "$fds" "  no descriptor is left"
is "$(worker_of 1)" "$worker" "  the worker is the same"
kill $hold
wait $hold

# XSA-391: we do not storm either.
is "$(xloop exec g -- "$BUILD/tests/blkhostile" xvda quiet)" "quiet quiet" "a guest that asks for no notification gets none, whatever it sends"
sent() {
	xloop stats --json g | jq .to.notifies
}
before=$(sent)
answers=$(xloop exec g -- blkload --dev=xvda --rw=randread --qd=32 --ios=20000 --json 2>/dev/null | jq .front.responses)
notified=$(($(sent) - before))
ok "$answers answers take $notified notifications" [ "$notified" -le "$answers" ]
ok "another guest's disk worked all the time" neighbour_well other
