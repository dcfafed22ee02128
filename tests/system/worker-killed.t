#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker that dies under I/O: its guest's disks close with one sentence and can be connected anew; other guests' disks
# have other workers.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 23

# A sanitizer would make an exit of SIGSEGV.
export ASAN_OPTIONS=$ASAN_OPTIONS:handle_segv=0
blkback_start
xloop create "$(guest_config g "vdev=xvda,target=$(image a.img 16M)" "vdev=xvdb,target=$(image b.img 16M)")" >/dev/null
xloop create "$(guest_config other "vdev=xvda,target=$(image other.img 16M)")" >/dev/null
neighbour_start other
ok "the disk works" xloop exec g -- blkload --dev=xvda --rw=write --verify
ok "so does the other one" xloop exec g -- blkload --dev=xvdb --rw=randwrite --verify --ios=100
before=$(vbd_census)

for signal in KILL SEGV ABRT; do
	: >"$WORK/b"
	xloop exec g -- blkload --dev=xvda --rw=randread --qd=32 --runtime=60 >"$WORK/a" 2>&1 &
	a=$!
	xloop exec g -- blkload --dev=xvdb --hold >"$WORK/b" 2>&1 &
	b=$!
	wait_for 10 grep -q connected "$WORK/b"
	wait_for 10 node_is "$BE/1/51712/state" 4
	kill -$signal "$(worker_of 1)"
	ok "$signal: the disk closes" vbd_state 1 51712 6
	ok "  and the guest's other one, too" vbd_state 1 51728 6
	like "$(vbd_error 1 51712)" "worker died; the guest has to connect it again" "  with a sentence in the store"
	wait $a
	is $? 1 "  the guest's I/O ends with an error"
	wait $b
	ok "  it connects anew, and finds its data" xloop exec g -- blkload --dev=xvda --rw=read --verify
	ok "  so does the other one" xloop exec g -- blkload --dev=xvdb --rw=randwrite --verify --ios=100
done
is "$(grep -c 'the worker of guest 1 was ended by signal' "$XLOOP_DIR/blkback.log")" 3 "each death is told in one line"
is "$(vbd_census)" "$before" "no fd, map, port or grant is left"
ok "another guest's disk worked all the time" neighbour_well other
