#!/bin/bash
# SPDX-License-Identifier: MIT
# The hypervisor refuses what a guest's grants and ports are asked for, as it does when the guest takes them away or is
# short of memory (XSA-361, 362, 365, 371): that request fails, and no other; nothing stays mapped.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 26

blkback_start --persistent --queues=2
guest_create g "vdev=xvda,target=$(image a.img 16M)" >/dev/null
guest_create other "vdev=xvda,target=$(image other.img 16M)" >/dev/null
neighbour_start other --persistent
census() {
	vbd_census | xargs
}
xloop exec g -- blkload --dev=xvda --rw=write --verify >/dev/null 2>&1
vbd_state 1 51712 6
base=$(census)
worker=$(worker_of 1)
errors() { # BLKLOAD-OPTION...: how many requests failed, and how many blocks were wrong
	xloop exec g -- blkload --dev=xvda --rw=randread --verify --qd=16 --bs=16k --ios=4000 --json "$@" 2>/dev/null |
		jq -r '"\(.errors) \(.verify_errors)"'
}
for how in "" --queues=2 --indirect=128\ --bs=128k; do
	# shellcheck disable=SC2086 # words
	for n in 1 2 7; do
		xloop fault g copy $n
		like "$(errors $how)" "^[1-$n] 0\$" "$n copies refused ${how:+($how) }fail no other request"
	done
	xloop fault g copy-eagain 5
	# shellcheck disable=SC2086 # words
	like "$(errors $how)" "^[0-5] 0\$" "so do those that should be tried again"
done
xloop fault g copy 0
xloop fault g copy-eagain 0
# Mapped instead: what can't be mapped is copied.
for n in 1 3 20; do
	for bs in 4k 44k; do
		xloop exec g -- blkload --dev=xvda --persistent --rw=randread --verify --qd=16 --bs=$bs --ios=3000 --json \
			>"$WORK/load" 2>"$WORK/load.err" &
		load=$!
		wait_node "$BE/1/51712/state" 4
		xloop fault g map "$n"
		wait $load
		is "$? $(jq -c '[.errors, .verify_errors]' "$WORK/load")" "0 [0,0]" "$n maps refused, $bs: its data are copied"
		xloop fault g map 0
	done
done
vbd_state 1 51712 6
is "$(census)" "$base" "nothing stays mapped"
xloop fault g map 1
is "$(xloop exec g -- "$BUILD/tests/blkkeys" xvda 2>/dev/null)" refused "a ring that can't be mapped closes the disk"
like "$(vbd_error 1 51712)" "map the ring that the guest granted: Cannot allocate memory" "  with a sentence"
xloop fault g map 0
ok "  and it connects again" xloop exec g -- blkload --dev=xvda --rw=randread --verify --ios=500
vbd_state 1 51712 6
is "$(census)" "$base" "nothing stays mapped or bound"
is "$(worker_of 1)" "$worker" "the worker is the same"
is "$(log_count 'panic|ended by signal')" 0 "nobody crashed"
ok "another guest's disk worked all the time" neighbour_well other
