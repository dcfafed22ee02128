#!/bin/bash
# SPDX-License-Identifier: MIT
# The toolstack removes a backend directory at any step: blkback lets go of everything and never makes the directory again.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 25

blkback_start -v
xloop create "$(guest_config other "vdev=xvda,target=$(image other.img 16M)")" >/dev/null
xloop create "$(guest_config g)" >/dev/null
neighbour_start other
img=$(image disk.img 16M)
image_free() {
	flock -n -x "$img" true
}
load_start() {
	: >"$WORK/load"
	xloop exec g -- blkload --dev=51712 "$@" >"$WORK/load" 2>&1 &
	LOAD=$!
}
to_step() {
	case $1 in
	1 | parent)
		LOAD=
		vbd_make 2 51712 "$img"
		;;
	3)
		vbd_make 2 51712 "$img" script=/etc/xen/scripts/block-halfback
		load_start --hold
		wait_node "$(fe_dir 2 51712)/state" 3
		return
		;;
	4)
		vbd_make 2 51712 "$img"
		load_start --hold
		wait_for 10 grep -q connected "$WORK/load"
		return
		;;
	io | io-parent)
		vbd_make 2 51712 "$img"
		load_start --rw=randrw --qd=32 --runtime=60
		vbd_state 2 51712 4
		return
		;;
	esac
	vbd_state 2 51712 2
}
load_kill() {
	[ -n "$LOAD" ] || return 0
	kill -9 $LOAD 2>/dev/null
	wait $LOAD 2>/dev/null
}
base=$(vbd_census)
same() {
	[ "$(vbd_census)" = "$base" ]
}
LOAD=

for step in 1 3 4 io parent io-parent; do
	to_step $step
	case $step in
	*parent) xenstore-rm "$BE/2" ;;
	*) xenstore-rm "$BE/2/51712" ;;
	esac
	ok "step $step: the image is let go" wait_for 5 image_free
	not_ok "  and the directory is not made again" xenstore-exists "$BE/2/51712"
	load_kill
	xenstore-rm "$(fe_dir 2 51712)"
	ok "  no fd, map, port or grant is left" wait_for 5 same || diag "$base" "$(vbd_census)"
done

# Removed while it moves: whatever step it has come to.
flicker() {
	local i
	for i in $(seq 60); do
		vbd_make 2 51712 "$img"
		[ $((i % 3)) -ne 0 ] || vbd_state 2 51712 2
		xenstore-rm "$BE/2/51712"
	done
}
ok "sixty disks are made and removed as they come up" flicker
ok "the image is let go" wait_for 5 image_free
ok "the last is gone" wait_for 5 same
is "$(xenstore-ls "$BE/2" 2>/dev/null)" "" "and none was made again"

vbd_make 2 51712 "$img"
ok "the next disk is offered" vbd_state 2 51712 2
ok "and works" xloop exec g -- blkload --dev=51712 --rw=randwrite --verify --ios=200
ok "another guest's disk worked all the time" neighbour_well other
