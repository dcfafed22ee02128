#!/bin/bash
# SPDX-License-Identifier: MIT
# One backend for each device: a second blkback does not start, and a device that another program has moved is left to
# it, in one sentence.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 21

blkback_start
xloop create "$(guest_config g "vdev=xvda,target=$(image g.img 16M)")" >/dev/null
g=$(domid_of g)

out=$("$BUILD/blkback" 2>&1)
is $? 1 "a second blkback ends with status 1"
like "$out" "process $BLKBACK_PID is blkback already and serves all guests; stop it first" "  and names the first"
is "$(cat "$HALFBACK_RUN_DIR/blkback.pid")" "$BLKBACK_PID" "  which blkback.pid names, too"
out=$(HALFBACK_RUN_DIR=/proc/nothing "$BUILD/blkback" 2>&1)
is $? 1 "one that can't have its lock file ends with status 1"
like "$out" "can't lock /proc/nothing/blkback.pid: No such file or directory; is its file system writable" "  and says so"
ok "the first serves its guest" xloop exec g -- blkload --dev=xvda --rw=randrw --verify --runtime=0.2

# What happens while it sleeps it sees at once when it wakes.
other=$(image other.img 1M)
kill -STOP "$BLKBACK_PID"
vbd_make "$g" 51760 "$other"
xenstore-write "$BE/$g/51760/state" 2
kill -CONT "$BLKBACK_PID"
ok "a device that another backend offers is refused" wait_for 10 vbd_error "$g" 51760
like "$(vbd_error "$g" 51760)" "another backend has taken it; stop that one and attach it again" "  in a sentence"
is "$(xenstore-read "$BE/$g/51760/state")" 2 "  and left as it is"
ok "  its image is free" flock --exclusive --nonblock "$other" true
vbd_remove "$g" 51760
vbd_make "$g" 51760 "$other"
ok "attached again, with the other backend gone, it is offered" vbd_state "$g" 51760 2
not_ok "  and the sentence is gone" vbd_error "$g" 51760
vbd_remove "$g" 51760

# The same through a toolstack: its script waits for state 2, whoever wrote it.
kill -STOP "$BLKBACK_PID"
FAKE_SERVES='' fake_backend_start
out=$(xloop block-attach g "vdev=xvdb,target=$other" 2>&1)
ok "a toolstack that finds another backend fails" test $? -ne 0
like "$out" "another backend .*has taken" "  and says why"
fake_backend_stop
kill -CONT "$BLKBACK_PID"
ok "  nothing of the disk is left" wait_for 10 no_node "$BE/$g/51728"
ok "without it the toolstack attaches the disk" xloop block-attach g "vdev=xvdb,target=$other"

neighbour_start g
xenstore-write "$BE/$g/51712/state" 2
is "$(xloop exec g -- blkload --dev=xvdb --rw=randrw --verify --runtime=0.5 --json | jq .errors)" 0 "its disk works"
ok "a disk whose state somebody writes over is served on" neighbour_well g
ok "  and closes in order" vbd_state "$g" 51712 6
blkback_stop
is $? 0 "the first ends"
is "$(cat "$HALFBACK_RUN_DIR/blkback.pid")" "" "  and blkback.pid names no process"
