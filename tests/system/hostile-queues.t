#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that is hostile on one of its queues: the others go on, until its device closes as a whole.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 17

blkback_start --queues=4
guest_create g "vdev=xvda,target=$(image a.img 16M)" >/dev/null
guest_create good "vdev=xvda,target=$(image good.img 16M)" >/dev/null
neighbour_start good --queues=2

hostile() {
	timeout 60 xloop exec g -- "$BUILD/tests/blkhostile" xvda "$@" 2>>"$WORK/hostile.err" | tr '\n' ' '
}
maps() {
	xloop stats --json 0 | jq .maps
}

before=$(maps)
for queues in 2 4; do
	for abi in 64 32; do
		on="on the last of $queues queues, $abi bits"
		is "$(hostile --queues=$queues --abi=$abi no-segments 255-segments bad-ref i-bad-ref i-65535-segments unknown-op good)" \
			"no-segments -1 255-segments -1 bad-ref -1 i-bad-ref -1 i-65535-segments -1 unknown-op -2 good 0 beside well " \
			"bad requests $on"
		is "$(hostile --queues=$queues --abi=$abi flip i-flip good)" "flip answered i-flip answered good 0 beside well " \
			"fields that change while they are read, $on"
		is "$(hostile --queues=$queues --abi=$abi storm)" "storm good 0 beside well " "a storm of events $on"
	done
done
is "$(hostile --queues=4 overflow)" "overflow closed beside closed " "a broken ring closes the device with all of its queues"
is "$(hostile --queues=2 ring-overwritten)" "ring-overwritten closed beside closed " "so does a read onto the ring itself"
is "$(hostile --queues=3 good)" "good 0 beside well " "the device connects again afterwards"
is "$(maps)" "$before" "no ring stays mapped"
ok "the neighbour with two queues never noticed" neighbour_well good
