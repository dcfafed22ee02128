#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The states that a backend goes through for each state of its frontend, all of them and in this order: for restarts,
# suspends that were cancelled, kexec, and for Windows' frontends, which close before they connect and wait for each step.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 41

blkback_start -v
xloop create "$(guest_config g)" >/dev/null
img=$(image disk.img 4M)
be=$BE/1/51712
fe=$(fe_dir 1 51712)
vbd_make 1 51712 "$img"
vbd_state 1 51712 2

frontend() { # STATE: as its guest would write it
	xloop exec g -- xenstore-write device/vbd/51712/state "$1"
}
# The states since the last look.
SEEN=0
states() {
	sed -n "s|^blkback: $be: state \([0-9]\) .*|\1|p" "$XLOOP_DIR/blkback.log" | tail -n "+$((SEEN + 1))" | xargs
}
went() {
	[ "$(states)" = "$1" ]
}
look() {
	SEEN=$(($(sed -n "s|^blkback: $be: state .*|x|p" "$XLOOP_DIR/blkback.log" | wc -l)))
}
# row WHAT STATE "STATES": the frontend goes to a state, and the backend through these.
row() {
	look
	frontend "$2"
	if [ -n "$3" ]; then
		ok "$1: $3" wait_for 5 went "$3" || diag "it went: $(states)"
	else
		# What comes next in the store shows that this was looked at.
		xenstore-write "$be/look" 1
		read -rt 0.3 <> <(:) || :
		is "$(states)" "" "$1: it stays"
	fi
}
ends_with() {
	[[ $(states) == *$1 ]]
}
# A real frontend, connected, that then does nothing any more until it is released: what it does is up to the rows.
hold() {
	look
	xloop exec g -- blkload --dev=51712 --op=hold >"$WORK/hold" 2>&1 &
	HOLD=$!
	wait_for 10 grep -q connected "$WORK/hold" && wait_for 10 ends_with 4
	kill -STOP $HOLD
}
release() {
	kill -9 $HOLD
	wait $HOLD 2>/dev/null
}
works() {
	xloop exec g -- blkload --dev=51712 --rw=randrw --verify --ios=200
}

row "at 2, Initialising" 1 ""
row "at 2, InitWait" 2 ""
row "at 2, Closing is answered" 5 "5"
row "and Closed, too" 6 "6"
row "at 6, Closing" 5 ""
row "at 6, InitWait" 2 ""
row "at 6, Initialised" 3 ""
row "at 6, Connected" 4 ""
row "at 6, Initialising prepares for the next" 1 "2"
row "at 2, Closed at once never skips 5" 6 "5 6"
row "and back" 1 "2"
ok "after all that a frontend works" works
frontend 1
vbd_state 1 51712 2

for round in 1 2 3; do
	row "round $round of a frontend that closes first, as Windows' does: Closing" 5 "5"
	row "round $round: Closed" 6 "6"
	row "round $round: Initialising" 1 "2"
	ok "round $round: connected, it works" works
	frontend 1
	vbd_state 1 51712 2
done

hold
row "connected, Initialising means that it was restarted" 1 "5 6 2"
release
ok "and the next one works" works
hold
look
row "connected, InitWait" 2 ""
row "connected, Initialised" 3 ""
row "connected, Connected again" 4 ""
row "connected, Closing" 5 "5"
row "then Closed" 6 "6"
row "then Initialising" 1 "2"
release
hold
row "connected, Closed at once" 6 "5 6"
release
frontend 1
vbd_state 1 51712 2
hold
row "connected, a state that is none" 8 "5 6"
release
frontend 1
vbd_state 1 51712 2
hold
look
xenstore-rm "$fe/state"
ok "connected, no state any more: 5 6" wait_for 5 went "5 6"
release
xloop exec g -- xenstore-write device/vbd/51712/state 1
vbd_state 1 51712 2

# Both steps of a frontend may be seen as one.
look
xloop exec g -- blkload --dev=51712 --ios=100 >/dev/null
like "$(states)" "^4 5 6" "a frontend that comes and goes: 4 5 6"
frontend 1
vbd_state 1 51712 2
hold
look
xenstore-write "$be/online" 0 "$be/state" 5
read -rt 0.3 <> <(:) || :
is "$(states)" "" "the toolstack detaches it: a live frontend closes first"
row "which it does: Closed" 6 "6"
release
look
frontend 1
read -rt 0.3 <> <(:) || :
is "$(states)" "" "and then nothing brings it back"
vbd_remove 1 51712
vbd_make 1 51712 "$img"
ok "but a new one" vbd_state 1 51712 2
ok "which works" works
