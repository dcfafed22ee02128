#!/bin/bash
# SPDX-License-Identifier: MIT
# A screen's workers that are killed before their first, second, third, ... store to a shared page or a journal, or notification,
# one after the other, while the guest draws, changes its shape and a viewer looks and types; then workers of which one call
# fails, each in turn.  The guest sees no other state and no error, viewers come again, and the picture is right.
#
# For `make crash`: see lives.t and failures.t.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
SECONDS_EACH=${CRASH_SECONDS:-40}
TEST_TIMEOUT=$((SECONDS_EACH * 2 + 600))
in_network "$@"
in_host "$@"
plan 12

states() {
	xenstore-read {$VFB,$VKBD}/1/0/state /local/domain/1/device/{vfb,vkbd}/0/state | xargs
}
is_back() { # PID: another worker than that
	[ -n "$(worker_of 1)" ] && [ "$(worker_of 1)" != "$1" ] && viewer g size
}
goes_on() { # DESCRIPTION
	is "$(states)" "4 4 4 4" "$1: all states are 4"
	ok "  the picture is right" wait_for 20 same_picture g
	is "$(vfb_error 1)$(vfb_error 1 vkbd)" "" "  no error is in the store"
}

# ---- each store ----

export HALFBACK_CRASH=$WORK/n HALFBACK_FAIL=$WORK/fail
echo 0 >"$HALFBACK_CRASH"
LD_PRELOAD=$BUILD/tests/fail.so pvfb_start --restarts=0
screen_create g 'vnc=1'
wait_node $VKBD/1/0/state 2
play_start g --size=320x200 --bytes=1000000
worker=$(worker_of 1)
echo 1 >"$HALFBACK_CRASH"
kill -9 "$worker"
looks() {
	while [ ! -e "$WORK/enough" ]; do
		viewer g key 0x61 down move 10 10 1 frames 0.1 key 0x61 up move 20 20 0 >/dev/null 2>&1
		read -rt 0.02 <> <(:) || :
	done
}
looks &
viewer=$!
end=$((SECONDS + SECONDS_EACH)) n=0
while [ $SECONDS -lt $end ]; do
	n=$((n + 1))
	play g resize $((100 + n % 220)) $((100 + n % 100)) 1280 32 $((n % 7 * 1280))
	play g fill $((n % 90)) $((n % 90)) 10 10 $((n % 9))00ff
done
touch "$WORK/enough"
wait $viewer
lives=$(cat "$HALFBACK_CRASH")
echo 0 >"$HALFBACK_CRASH"
worker=$(worker_of 1)
[ -z "$worker" ] || kill -9 "$worker"
ok "$((lives - 1)) lives ended, each with its next store" [ "$lives" -gt $((SECONDS_EACH / 2)) ]
wait_for 20 is_back "$worker"
play g card
goes_on "after them"

# ---- each call that fails ----

# once KIND N: the next worker is the one of which the Nth call fails; a viewer looks.
once() {
	local worker
	rm -f "$HALFBACK_FAIL" # an old worker may have it mapped
	echo "$1 $2" >"$HALFBACK_FAIL"
	worker=$(worker_of 1)
	kill -9 "$worker"
	WAIT_STEP=0.02 wait_for 20 is_back "$worker" || return 1
	viewer g frames 0.05 >/dev/null 2>&1
	[ "$(states)" = "4 4 4 4" ]
}
each() { # KIND MOST LEAST
	local n reached=0 bad=0
	for ((n = 1; n <= $2; n++)); do
		once "$1" $n || {
			bad=$((bad + 1))
			diag "$1 $n: states $(states), $(vfb_error 1) $(vfb_error 1 vkbd)"
		}
		grep -q failed "$HALFBACK_FAIL" || break
		reached=$n
	done
	rm -f "$HALFBACK_FAIL"
	is $bad 0 "$1: the screen goes on with any of $reached calls that failed"
	ok "  which are enough" [ $reached -ge "$3" ]
}
each map 40 3
each alloc "${CRASH_ALLOCS:-200}" 20
play g card
goes_on "after these"
play_end g
is "$(find "$HALFBACK_RUN_DIR" -name '*.journal' -o -name '*.connection' | wc -l)" 0 "no journal is left"
