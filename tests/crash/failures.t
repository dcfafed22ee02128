#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker of which one call fails: for lack of memory each allocation, each map, each copy, each submission to the
# kernel, one after the other, in a worker that goes on with a disk under load.  Its guest waits, or, for a copy, gets
# errors; and never a wrong block.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
TEST_TIMEOUT=${CRASH_SECONDS:-40}
TEST_TIMEOUT=$((TEST_TIMEOUT * 4 + 180))
in_host "$@"
plan 8

export HALFBACK_FAIL=$WORK/fail
: >"$HALFBACK_FAIL"
LD_PRELOAD=$BUILD/tests/fail.so blkback_start --queues=2 --restarts=0 --persistent
guest_create g "vdev=xvda,target=$(image a.img 8M)" >/dev/null

# once KIND N BLKLOAD-OPTION...: the disk's second worker is the one of which the Nth call fails.
once() {
	local kind=$1 n=$2 worker load
	shift 2
	rm -f "$HALFBACK_FAIL" # an old worker may have it mapped
	timeout 30 xloop exec g -- blkload --dev=xvda --rw=randrw --verify --qd=16 --flush-every=10 --runtime=0.3 --json "$@" \
		>"$WORK/load" 2>"$WORK/load.err" &
	load=$!
	wait_for 10 node_is $BE/1/51712/state 4
	worker=$(worker_of 1)
	echo "$kind $n" >"$HALFBACK_FAIL"
	kill -9 "$worker"
	wait $load
	STATUS=$?
	WAIT_STEP=0.01 wait_for 10 vbd_closed
}
vbd_closed() {
	node_is $BE/1/51712/state 6
}
went_well() { # ERRORS-ALLOWED
	[ $STATUS -eq 0 ] || [ "$1" = true ] || return
	jq -es ".[0] | .verify_errors == 0 and .verified > 0 and ($1 or .errors == 0)" "$WORK/load" >/dev/null
}
# each KIND ERRORS-ALLOWED MOST BLKLOAD-OPTION...: for each N that is reached, at most MOST of them.
each() {
	local kind=$1 errors=$2 most=$3 n worker reached=0 bad=0
	shift 3
	for ((n = 1; n <= most; n++)); do
		once "$kind" $n "$@"
		if ! went_well "$errors"; then
			bad=$((bad + 1))
			diag "$kind $n, status $STATUS: $(head -n 3 "$WORK/load.err") $(jq -c '{errors, verify_errors}' "$WORK/load")"
		fi
		grep -q failed "$HALFBACK_FAIL" || break
		reached=$n
	done
	worker=$(worker_of 1) && kill -9 "$worker" && wait_for 10 is_gone "$worker" # its call may be yet to come
	is $bad 0 "$kind: ${*:-one queue}: no wrong block with any of $reached calls that failed$([ "$errors" = true ] || echo ", and no error")"
	ok "  which are enough" [ $reached -ge 4 ]
}
each alloc false 400 --queues=2
each map false 40 --persistent --queues=2
each copy true 40
each submit false 40
