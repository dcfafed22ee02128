#!/bin/bash
# SPDX-License-Identifier: MIT
# A captured worker that sends its supervisor messages without end, on its channel or a disk's line, keeps it from nothing:
# with the first that it was not asked for it is killed, or its disk not heard any more, and other guests connect meanwhile.
TEST_TIMEOUT=240
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 22

# A preloaded library stands before a sanitizer's.
export ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0
captured_start() { # WHAT [OPTION...]: a blkback of which guest 1's workers do that
	: >"$XLOOP_DIR/blkback.log"
	CAPTURED=$1 CAPTURED_GUEST=1 LD_PRELOAD=$BUILD/tests/captured.so blkback_start "${@:2}"
}
ticks() {
	awk '{ print $14 + $15 }' "/proc/$BLKBACK_PID/stat"
}
# Each connects a disk, does some I/O, and closes it again.
others_connect() { # TIMES
	local i
	for ((i = 0; i < $1; i++)); do
		timeout 30 xloop exec other -- blkload --dev=xvdb --rw=randrw --ios=50 >/dev/null 2>&1 || return 1
	done
}
said() { # REGEX: how often the log says so
	grep -cE "$1" "$XLOOP_DIR/blkback.log"
}
image g.img 16M >/dev/null
captured_start flood --restarts=3
guest_create g "vdev=xvda,target=$WORK/g.img" >/dev/null
guest_create other "vdev=xvda,target=$(image other.img 16M)" "vdev=xvdb,target=null:1G" >/dev/null
neighbour_start other
before=$(ticks)
xloop exec g -- blkload --dev=xvda --hold >"$WORK/load" 2>&1 &
load=$!
ok "while a worker floods its channel, another guest connects ten times" others_connect 10
ok "the captured worker is killed each time, and its disk closes" wait_node "$BE/1/51712/state" 6 30
wait $load
is "$(said 'the worker of guest 1 says more than it was asked: its guest has captured it, or halfback has a bug; it is killed')" 3 \
	"  with a sentence each"
is "$(said 'the worker of guest 1 was ended by signal 9 ')" 3 "  it was ended for that"
like "$(vbd_error 1 51712)" "its worker died 3 times, .* the guest can connect it again" "  and one in the store"
is "$(said 'captured:')" 0 "  no flood came to an end before"
spent=$(($(ticks) - before))
ok "it cost blkback little time ($spent ticks)" [ $spent -lt 300 ]
ok "another guest's disk worked all the time" neighbour_well other
blkback_stop

# What is no message at all.
captured_start nonsense --restarts=1
xloop exec g -- blkload --dev=xvda --hold >"$WORK/load" 2>&1
is $? 1 "a worker that sends what is no message"
is "$(said 'the worker of guest 1 sends what is no message: .* it is killed')" 1 "  is killed, with a sentence"
ok "  and its disk closes" wait_node "$BE/1/51712/state" 6 30
blkback_stop

# Where no worker is captured none is taken for it: each thing that the supervisor asks for, as often as one likes.
captured_start "" --queues=2
for n in 1 2 3; do
	ok "an honest worker may answer: it connects, $n" xloop exec g -- blkload --dev=xvda --queues=2 --rw=randrw --ios=200
done
is "$(said 'says more|no message')" 0 "  it is not taken for a captured one"
blkback_stop

# The line of a disk behind an NBD server, which asks for connections.
nbdkit --exit-with-parent -f -U "$WORK/nbd.sock" memory 16M >/dev/null 2>&1 &
wait_for 10 test -S "$WORK/nbd.sock"
captured_start flood-line
xloop block-attach g "vdev=xvdc,target=nbd+unix:///?socket=$WORK/nbd.sock"
neighbour_start other
before=$(ticks)
timeout 20 xloop exec g -- blkload --dev=xvdc --hold >"$WORK/load" 2>&1 &
load=$!
ok "while a disk floods its line, another guest connects ten times" others_connect 10
is "$(said 'nbd.sock.*: its worker says more than it may: its guest has captured it')" 1 "  it is heard no more, with a sentence"
ok "  and it filled no log" [ "$(said "a flood")" -le 4 ]
spent=$(($(ticks) - before))
ok "it cost blkback little time ($spent ticks)" [ $spent -lt 300 ]
ok "another guest's disk worked all the time" neighbour_well other

# The next worker floods as well, from its connection on, and hears nothing.
old=$(worker_of 1)
kill -9 "$old"
wait_for 10 is_gone "$old"
wait_for 10 worker_of 1
blkback_stop
is $? 0 "blkback ends, though a captured worker does not"
is "$(said 'the worker of guest 1 has not ended within 5 s and is killed')" 1 "  with a sentence"
kill $load
wait $load
