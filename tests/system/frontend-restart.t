#!/bin/bash
# SPDX-License-Identifier: MIT
# A frontend that ended, well or not, leaves a disk that the next one can connect, as a kexec'ed guest does.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 12

blkback_start
guest_create g "vdev=xvda,target=$(image disk.img 16M)" >/dev/null
hold_start() {
	: >"$WORK/hold"
	xloop exec g -- blkload --dev=xvda --hold "$@" >"$WORK/hold" 2>"$WORK/hold.err" &
	HOLD=$!
	wait_for 10 grep -q connected "$WORK/hold"
}
switches() {
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$HOLD/status"
}

hold_start
is $? 0 "a frontend connects and stays"
is "$(backend_node g 51712 state) $(frontend_node g 51712 state)" "4 4" "both ends are Connected"
before=$(switches)
sleep 1
is "$(switches)" "$before" "an idle frontend sleeps"
kill "$HOLD"
wait "$HOLD"
is $? 0 "it ends well on SIGTERM"
is "$(backend_node g 51712 state) $(frontend_node g 51712 state)" "6 6" "and leaves both ends Closed"
ok "the next one connects" load --rw=randrw --verify --ios=500

hold_start --ring-order=4
kill -9 "$HOLD"
wait "$HOLD" 2>/dev/null
is "$(backend_node g 51712 state) $(frontend_node g 51712 state)" "4 4" "a killed one leaves both ends Connected"
ok "the next one, with a smaller ring, connects all the same" load --rw=randrw --verify --ios=500
not_ok "and the larger ring's keys are gone" frontend_node g 51712 ring-page-order

hold_start
xloop exec g -- xenstore-write device/vbd/51712/state 5
wait "$HOLD"
is $? 0 "one whose state another program set to Closing ends"
ok "and is followed by one that works" load --rw=randrw --verify --ios=500

many_times() {
	local i
	for i in $(seq 50); do
		load --ios=10 --ring-order=$((i % 5)) >/dev/null || return 1
	done
}
ok "a disk may connect fifty times" many_times
