#!/bin/bash
# SPDX-License-Identifier: MIT
# An image that somebody shrinks under a guest: what is gone gives errors, what is left is served, and growing it back
# mends it.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 9

blkback_start
img=$(image disk.img 8M)
xloop create "$(guest_config g "vdev=xvda,target=$img" "vdev=xvdb,target=$(image other.img 8M)")" >/dev/null
more_copies() { # N
	[ "$(xloop stats --json g | jq .to.copy_ops)" -gt "$1" ]
}
ok "the disk is written" load --rw=write --verify

xloop exec g -- blkload --dev=xvda --rw=randread --verify --qd=8 --runtime=60 --json >"$WORK/out" 2>"$WORK/err" &
LOAD=$!
wait_for 10 node_is "$BE/1/51712/state" 4
log_tells() {
	[ "$(log_count 'dom 1: warning: vbd 51712: operation 0 on 4096 bytes at [0-9]+ failed: ')" -ge 1 ]
}
wait_for 5 more_copies 100
truncate -s 3M "$img"
ok "reads past the end fail, and the log tells of it" wait_for 5 log_tells
truncate -s 2500 "$img"
ok "the disk stays connected" node_is "$BE/1/51712/state" 4
kill $LOAD
wait $LOAD
is $? 1 "the guest's program saw errors"
ok "and no wrong data" jq -es '.[0] | .errors > 0 and .read.ios > 0 and .verify_errors == 0' "$WORK/out"
ok "the log is short" [ "$(log_count 'operation 0 .* failed')" -le 6 ]

ok "the guest's other disk works" xloop exec g -- blkload --dev=xvdb --rw=randwrite --verify --ios=200
refused() {
	vbd_error 1 51712 | grep -q "disk.img has a size that is no multiple of 512"
}
xloop exec g -- xenstore-write device/vbd/51712/state 1
ok "a size that is no disk's is refused at the next connect" wait_for 5 refused
truncate -s 8M "$img"
ok "grown back, the whole disk can be written" load --rw=write --verify
