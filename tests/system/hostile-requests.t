#!/bin/bash
# SPDX-License-Identifier: MIT
# Requests no honest frontend sends get an error response or close the device; a neighbour's disk never notices.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 36

blkback_start
guest_create bad "vdev=xvda,target=$(image bad.img 16M)" "vdev=xvdb,access=ro,target=$(image ro.img 16M)" >/dev/null
guest_create good "vdev=xvda,target=$(image good.img 16M)" >/dev/null
xloop exec good -- blkload --dev=xvda --rw=randrw --verify --qd=4 --runtime=600 --json >"$WORK/neighbour" 2>&1 &
NEIGHBOUR=$!

hostile() {
	timeout 60 xloop exec bad -- "$BUILD/tests/blkhostile" "$@" 2>>"$WORK/hostile.err"
}

# One connection takes them all: none of these is the device's end.
want() { # STATUS CASE...
	local status=$1 name
	shift
	for name; do
		is "$(grep "^$name " "$WORK/out")" "$name $status" "$name gets $status"
	done
}
errors=(no-segments 12-segments 255-segments first-after-last last-beyond-page last-255 past-end across-end sector-wraps
	byte-offset-wraps bad-ref reserved-ref bad-ref-last discard-past-end discard-wraps indirect)
unsupported=(unknown-op reserved-op)
fine=(good same-ref write discard)
hostile xvda "${errors[@]}" "${unsupported[@]}" "${fine[@]}" >"$WORK/out"
want -1 "${errors[@]}"
want -2 "${unsupported[@]}"
want 0 "${fine[@]}"

is "$(hostile xvda --readonly-grants good)" "good -1" "a read into pages that may not be written fails"
is "$(hostile xvda --readonly-grants write)" "write 0" "a write from them does not"
is "$(hostile xvdb write discard good)" $'write -1\ndiscard -1\ngood 0' "a read-only disk refuses to change"
is "$(hostile xvda padding)" "padding clean" "answers carry no stray bytes"
is "$(hostile xvda outside)" "outside 0-bytes-changed" "a read writes to the sectors that it was asked for only"
is "$(hostile xvda flip good)" $'flip answered\ngood 0' "fields that change while they are read"
is "$(hostile xvda storm)" "storm good 0" "a storm of events"
is "$(hostile xvda overflow)" "overflow closed" "more requests than the ring has close the device"
is "$(hostile xvda overflow-half)" "overflow-half closed" "so does a producer index half the world away"
is "$(hostile xvda good)" "good 0" "the device connects again afterwards"
like "$(cat "$XLOOP_DIR/blkback.log")" "51712" "the log names the device"

ok "the neighbour never noticed: it still runs" kill -0 "$NEIGHBOUR"
kill "$NEIGHBOUR"
wait "$NEIGHBOUR"
is $? 0 "and ends without an error"
is "$(jq -c '[.errors, .verify_errors]' "$WORK/neighbour")" "[0,0]" "with every block verified"
