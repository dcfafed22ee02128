#!/bin/bash
# SPDX-License-Identifier: MIT
# 64 screens on which nothing happens cost no processor time: in ten seconds no worker is woken once, with viewers that wait for
# a change, and without.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 7

GUESTS=${GUESTS:-64}
SECONDS_IDLE=10

playing() {
	[ "$(grep -l connected "$WORK"/*.out 2>/dev/null | wc -l)" -eq "$GUESTS" ]
}
workers() {
	pgrep -P "$PVFB_PID" -f '^pvfb: dom '
}
# How often the supervisor's and the workers' threads have slept, or were made to wait, since they are there.
wakeups() {
	local pid
	for pid in $PVFB_PID $(workers); do
		cat "/proc/$pid"/task/*/status
	done | awk '/ctxt_switches/ { n += $2 } END { print n + 0 }'
}
wakeups_in() { # SECONDS
	local before
	before=$(wakeups)
	sleep "$1"
	echo $(($(wakeups) - before))
}

pvfb_start
for n in $(seq "$GUESTS"); do
	SCREEN_MEMORY=16 screen_create "g$n" 'vnc=1' || diag "guest $n is not created"
done
for n in $(seq "$GUESTS"); do
	wait_node "$VFB/$n/0/state" 2
	xloop exec "g$n" -- fbplay --no-keyboard --size=640x480 <>/dev/zero >"$WORK/g$n.out" 2>"$WORK/g$n.err" </dev/null &
	PLAYS+=($!)
done
ok "$GUESTS screens are connected" wait_for 60 playing
is "$(workers | wc -l)" "$GUESTS" "each has a worker"
sleep 1
is "$(wakeups_in $SECONDS_IDLE)" 0 "in $SECONDS_IDLE seconds nobody is woken where nobody looks"
ports=$(for n in $(seq "$GUESTS"); do port_of "g$n"; done)
# shellcheck disable=SC2086 # a list
"$BUILD/tests/vncload" $ports >"$WORK/load" &
load=$!
ok "$GUESTS viewers have seen them" wait_for 60 grep -q ready "$WORK/load"
sleep 1
is "$(wakeups_in $SECONDS_IDLE)" 0 "nor where $GUESTS viewers wait for a change"
kill $load
wait $load
is "$(tail -n 1 "$WORK/load" | jq .updates)" 0 "and nothing was sent to them"
kill "${PLAYS[@]}"
wait "${PLAYS[@]}"
is "$(log_count "ended by signal|ended with status")" 0 "no worker died"
