#!/bin/bash
# SPDX-License-Identifier: MIT
# States that no frontend has, and states in no order, are answered by closing; nothing is left of it and a good frontend
# connects afterwards.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 46

blkback_start
xloop create "$(guest_config g "vdev=xvda,target=null:1G")" >/dev/null
fe=$(fe_dir 1 51712)
long=$(printf '4%.0s' {1..1900})

hold_start() {
	: >"$WORK/hold"
	xloop exec g -- blkload --dev=xvda --hold >"$WORK/hold" 2>/dev/null &
	HOLD=$!
	wait_for 10 grep -q connected "$WORK/hold"
}
hold_end() {
	kill -9 "$HOLD" 2>/dev/null
	wait "$HOLD" 2>/dev/null
}
guest_writes() {
	xloop exec g -- xenstore-write -- "device/vbd/51712/$1" "$2"
}
back_to_wait() {
	guest_writes state 6
	vbd_state 1 51712 6
	guest_writes state 1
	vbd_state 1 51712 2
}

for state in 0 7 8 x "" "4 " 04 -1 "$long"; do
	back_to_wait || diag "not back at 2"
	guest_writes state "$state"
	ok "state '$(printf %.20s "$state")' of a frontend that waits closes the device" vbd_state 1 51712 6
	like "$(vbd_error 1 51712)" "state is none that a frontend has" "  with a sentence"
	hold_start
	guest_writes state "$state"
	ok "state '$(printf %.20s "$state")' of a connected one closes the device" vbd_state 1 51712 6
	like "$(vbd_error 1 51712)" "state is none that a frontend has" "  with a sentence"
	hold_end
done

# Each order of three states ends where the last one leads, without a word from us.
walk() {
	local a b
	for a in 1 2 3 4 5 6; do
		for b in 1 2 3 4 5 6; do
			guest_writes state $a
			guest_writes state $b
		done
	done
}
ok "every pair of states in a row" walk
ok "leads back to 2" back_to_wait
ok "and the disk works" xloop exec g -- blkload --dev=xvda --ios=100
hold_start
guest_writes state 5
closing() {
	local state
	state=$(backend_node g 51712 state)
	[ "$state" = 5 ] || [ "$state" = 6 ]
}
ok "5 is answered by 5" wait_for 5 closing
hold_end
ok "a removed state node is a frontend gone" xenstore-rm "$fe/state"
ok "and closes" vbd_state 1 51712 6
xenstore-write "$fe/state" 1
xenstore-chmod "$fe/state" n1 r0
ok "it comes back" vbd_state 1 51712 2
ok "and works" xloop exec g -- blkload --dev=xvda --ios=100
is "$(pgrep -c -P "$BLKBACK_PID")" 1 "one worker is there for the guest"
kill -0 "$BLKBACK_PID"
is $? 0 "blkback lives"
