#!/bin/bash
# SPDX-License-Identifier: MIT
# A frontend that goes to Closing and stays there costs nothing: the supervisor waits for it and serves the others.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 6

blkback_start
xloop create "$(guest_config g "vdev=xvda,target=null:1G" "vdev=xvdb,target=null:1G")" >/dev/null

cpu_ticks() {
	awk '{ print $14 + $15 }' "/proc/$BLKBACK_PID/stat"
}
stays_closing() {
	xloop exec g -- xenstore-write -- device/vbd/51712/state 5
	vbd_state 1 51712 5
}

xloop exec g -- blkload --dev=xvda --hold >"$WORK/hold" 2>/dev/null &
hold=$!
wait_for 10 grep -q connected "$WORK/hold"
kill -STOP $hold # it must not answer Closing by Closed
ok "the backend goes to Closing, too" stays_closing
before=$(cpu_ticks)
sleep 2
ticks=$(($(cpu_ticks) - before))
ok "and then rests ($ticks of $((2 * $(getconf CLK_TCK))) ticks)" [ "$ticks" -lt 20 ]
ok "another disk of the guest works" xloop exec g -- blkload --dev=xvdb --ios=1000
is "$(xenstore-read "/local/domain/0/backend/vbd/1/51712/state")" 5 "meanwhile it stays"
xloop exec g -- xenstore-write -- device/vbd/51712/state 6
ok "until the frontend is closed" vbd_state 1 51712 6
kill -9 $hold
wait $hold 2>/dev/null
xloop exec g -- xenstore-write -- device/vbd/51712/state 1
ok "and can come back" vbd_state 1 51712 2
