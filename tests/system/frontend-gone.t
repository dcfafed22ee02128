#!/bin/bash
# SPDX-License-Identifier: MIT
# A frontend that vanishes at any step, killed, removed or with its whole domain: blkback lets go of all it had of it, and
# nobody else notices.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 24

blkback_start
xloop create "$(guest_config other "vdev=xvda,target=$(image other.img 16M)")" >/dev/null
neighbour_start other
img=$(image disk.img 16M)
be=$BE/2/51712
GUEST=1
LOAD=

guest_new() {
	GUEST=$((GUEST + 1))
	xloop create "$(guest_config g$GUEST)" >/dev/null
	be=$BE/$GUEST/51712
	vbd_make $GUEST 51712 "$img" "$@"
	vbd_state $GUEST 51712 2
}
load_start() {
	: >"$WORK/load"
	xloop exec g$GUEST -- blkload --dev=51712 "$@" >"$WORK/load" 2>&1 &
	LOAD=$!
}
load_kill() {
	[ -n "$LOAD" ] || return 0
	kill -9 $LOAD 2>/dev/null
	wait $LOAD 2>/dev/null
}
# Brings the disk to a step: 1 (nobody there), 3 (waits for the hotplug script), 4 (idle) or io.
to_step() {
	case $1 in
	1)
		LOAD=
		guest_new
		;;
	3)
		guest_new script=/etc/xen/scripts/block-halfback
		load_start --hold
		wait_node "$(fe_dir $GUEST 51712)/state" 3
		;;
	4)
		guest_new
		load_start --hold
		wait_for 10 grep -q connected "$WORK/load"
		;;
	io)
		guest_new
		load_start --rw=randrw --qd=32 --runtime=60
		vbd_state $GUEST 51712 4
		;;
	esac
}
image_free() {
	flock -n -x "$img" true
}
base=$(vbd_census)

for step in 1 3 4 io; do
	to_step $step
	xenstore-rm "$(fe_dir $GUEST 51712)"
	ok "step $step: a removed frontend closes the device" vbd_state $GUEST 51712 6
	ok "  and frees the image" wait_for 5 image_free
	load_kill
	xloop destroy g$GUEST >/dev/null 2>&1
	xenstore-rm "$BE/$GUEST" 2>/dev/null
done

for step in 1 3 4 io; do
	to_step $step
	[ $step = 1 ] || load_kill
	xloop destroy g$GUEST >/dev/null 2>&1
	ok "step $step: a destroyed domain's disk is let go" wait_for 10 image_free
	xenstore-rm "$BE/$GUEST" 2>/dev/null
done

for step in 3 4 io; do
	to_step $step
	load_kill
	[ $step != 3 ] || xenstore-write "$be/hotplug-status" connected
	xloop exec g$GUEST -- blkload --dev=51712 --rw=randwrite --verify --ios=200 >"$WORK/again" 2>&1
	is $? 0 "step $step: after a killed frontend the next one works" || diag "$(cat "$WORK/again")"
	xloop exec g$GUEST -- xenstore-write device/vbd/51712/state 1
	ok "  and the disk waits for the one after it" vbd_state $GUEST 51712 2
	xloop destroy g$GUEST >/dev/null 2>&1
	xenstore-rm "$BE/$GUEST" 2>/dev/null
done

# The toolstack detaches: it writes 5 into our state, online 0.
for step in 1 3 4 io; do
	to_step $step
	xenstore-write "$be/online" 0 "$be/state" 5
	[ $step = 1 ] || wait $LOAD
	ok "step $step: a detach closes the device" vbd_state $GUEST 51712 6
	xloop destroy g$GUEST >/dev/null 2>&1
	xenstore-rm "$BE/$GUEST" 2>/dev/null
done

same() {
	[ "$(vbd_census)" = "$base" ]
}
ok "no fd, map, port or grant is left" wait_for 10 same || diag "$base" "$(vbd_census)"
ok "another guest's disk worked all the time" neighbour_well other
