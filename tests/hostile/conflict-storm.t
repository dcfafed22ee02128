#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that writes the nodes that name its ring without end, so that each transaction of ours that reads them fails: we
# try some times and refuse its disk with a sentence, and other guests' disks connect and work meanwhile.
TEST_TIMEOUT=240
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 10

blkback_start --queues=4
guest_create g "vdev=xvda,target=$(image g.img 16M)" >/dev/null
guest_create other "vdev=xvda,target=$(image other.img 16M)" "vdev=xvdb,target=null:1G" >/dev/null
neighbour_start other
ok "the disk works before" xloop exec g -- blkload --dev=xvda --ios=100
vbd_state 1 51712 6
before=$(vbd_census)
rss=$(rss_kib "$BLKBACK_PID")
fe=$(fe_dir 1 51712)

storms=()
for _ in {1..8}; do
	xloop exec g -- "$BUILD/tests/blkstorm" xvda 1000000000k ring-page-order=4 >/dev/null 2>&1 &
	storms+=($!)
done
# A frontend of which only the nodes are there, as many as there can be, so that they take a while to read.  What gets
# through the storm fails at its rings.
words=("$fe/protocol" x86_64-abi "$fe/multi-queue-num-queues" 4 "$fe/ring-page-order" 4)
for q in {0..3}; do
	words+=("$fe/queue-$q/event-channel" $((q + 1)))
	for p in {0..15}; do
		words+=("$fe/queue-$q/ring-ref$p" $((q * 16 + p + 10)))
	done
done
xenstore-write "${words[@]}"
attempt() {
	xenstore-write "$fe/state" 1
	wait_node $BE/1/51712/state 2 20 || return 1
	xenstore-write "$fe/state" 3
	wait_node $BE/1/51712/state 6 20 || return 1
	vbd_error 1 51712 >>"$WORK/errors"
	echo >>"$WORK/errors"
}
attempts() { # until one was refused for the storm, and ten at least
	local n
	for ((n = 0; n < 300; n++)); do
		attempt || return 1
		[ $n -ge 9 ] && grep -q 'keeps changing' "$WORK/errors" && return 0
	done
	return 1
}
attempts 2>>"$WORK/attempts.log" &
attempts=$!
others_connect() {
	for _ in {1..10}; do
		timeout 30 xloop exec other -- blkload --dev=xvdb --rw=randrw --ios=50 || return 1
	done
}
ok "another guest connects ten times under the storm" others_connect
wait $attempts
is $? 0 "each try to connect comes to an end"
diag "$(sort "$WORK/errors" | uniq -c | grep '[a-z]')"
like "$(cat "$WORK/errors")" "16 the guest keeps changing the nodes that name its ring" "one is refused for the storm, with a sentence"
ok "the storm is still on" kill -0 "${storms[@]}"
kill "${storms[@]}"
wait "${storms[@]}" 2>/dev/null
ok "the disk works afterwards" xloop exec g -- blkload --dev=xvda --rw=randrw --verify --ios=500
vbd_state 1 51712 6
same() {
	[ "$(vbd_census)" = "$before" ]
}
wait_for 5 same
is "$(vbd_census)" "$before" "no fd, map, port or grant is left"
case $BUILD in */asan | */tsan) bound=65536 ;; *) bound=2048 ;; esac
ok "blkback has not grown" [ "$(rss_kib "$BLKBACK_PID")" -lt $((rss + bound)) ]
ok "the log is short" [ "$(log_count warning)" -lt 20 ]
ok "another guest's disk worked all the time" neighbour_well other
