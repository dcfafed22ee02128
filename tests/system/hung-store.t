#!/bin/bash
# SPDX-License-Identifier: MIT
# A store that hangs, as a dead NFS server does: its disk waits, all others come, go and are served.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 15

store_start() { # NAME: a FUSE file system; FUSE names its process
	mkdir "$WORK/$1"
	nbdfuse "$WORK/$1/disk.img" --command nbdkit -s memory 16M &
	FUSE=$!
	wait_for 10 test -s "$WORK/$1/disk.img"
}
end_stores() {
	kill -CONT "$one" "$two"
	blkback_stop
	fusermount3 -u "$WORK/one"
	fusermount3 -u "$WORK/two"
	wait "$one" "$two"
}
store_start one
one=$FUSE
store_start two
two=$FUSE
trap 'end_stores; test_end' EXIT

blkback_start
xloop create "$(guest_config g "vdev=xvda,target=$(image good.img 16M)" "vdev=xvdb,target=$WORK/one/disk.img")" >/dev/null
xloop create "$(guest_config h)" >/dev/null
load() { # GUEST VDEV OPTION...
	xloop exec "$1" -- blkload --dev="$2" "${@:3}"
}
ok "a disk on a store that may hang works" load g xvdb --rw=write --verify
xloop exec g -- blkload --dev=xvdb --rw=randread --verify --qd=8 --rate=4 --runtime=100 --json >"$WORK/hung.json" 2>"$WORK/hung.err" &
hung=$!
wait_for 10 node_is "$BE/1/51728/state" 4
kill -STOP "$one" "$two"
# By then FUSE takes the file's attributes for old, and reads are sent that wait for these first.
sleep 2.5

# The second hangs before it is opened.
for n in 1 2 3 4 5; do
	vbd_make 2 $n "$WORK/two/disk.img" mode=r
done
ok "the guest's other disk is served" load g xvda --rw=randrw --verify --qd=32
ok "another disk is attached" xloop block-attach h "vdev=xvda,target=$(image other.img 16M)"
ok "  and served" load h xvda --rw=randrw --verify --qd=32
ok "  and detached" xloop block-detach h xvda
for n in 1 5; do
	is "$(xenstore-read "$BE/2/$n/state")" 1 "disk $n, whose store hangs, is not offered"
done
kill -CONT "$two"
for n in 1 2 3 4 5; do
	ok "disk $n is offered when its store is back" vbd_state 2 $n 2
done
ok "the I/O that hung still waits" kill -0 $hung
kill -CONT "$one"
kill $hung
wait $hung
is "$(jq -c '[.errors, .verify_errors]' "$WORK/hung.json")" "[0,0]" "and ends well when its store is back"
ok "which works" load g xvdb --rw=randrw --verify --ios=1000
