#!/bin/bash
# SPDX-License-Identifier: MIT
# Hostile requests on the smallest and the largest ring, in both layouts: each bad one gets an error of its own and takes
# no good one with it.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 16

blkback_start
xloop create "$(guest_config g "vdev=xvda,target=$(image a.img 4M)")" >/dev/null
bad=(12-segments 255-segments last-255 first-after-last sector-wraps byte-offset-wraps across-end bad-ref-last
	flush-past-end flush-12-segments discard-wraps discard-all-wraps discard-past-end no-segments indirect indirect-nested)
fine=(good flush flush-with-data barrier empty-barrier ring-as-data same-ref discard discard-nothing discard-flags)

for abi in 64 32; do
	for order in 0 4; do
		on="on $((1 << order)) pages, $abi bits"
		xloop exec g -- "$BUILD/tests/blkhostile" xvda --abi=$abi --ring-order=$order "${bad[@]}" "${fine[@]}" unknown-op \
			padding >"$WORK/out" 2>"$WORK/err" || diag "$(cat "$WORK/err")"
		want=$(printf '%s -1\n' "${bad[@]}" && printf '%s 0\n' "${fine[@]}" &&
			echo unknown-op -2 && echo padding clean)
		is "$(cat "$WORK/out")" "$want" "each request gets its due $on"
		out=$(xloop exec g -- "$BUILD/tests/blkhostile" xvda --abi=$abi --ring-order=$order each-last-sect each-bad-ref)
		is "$out" $'each-last-sect 0-wrong-of-496\neach-bad-ref 0-wrong-of-22' "whole rings, half of them bad, $on"
		is "$(xloop exec g -- "$BUILD/tests/blkhostile" xvda --abi=$abi --ring-order=$order flip good)" \
			$'flip answered\ngood 0' "fields that change while they are read, $on"
		is "$(xloop exec g -- "$BUILD/tests/blkhostile" xvda --abi=$abi --ring-order=$order storm overflow)" \
			$'storm good 0\noverflow closed' "a storm, then too large a req_prod, $on"
	done
done
