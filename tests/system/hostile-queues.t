#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that is hostile on one of its queues: the others go on, until its device closes as a whole.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 19

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

# Once it is connected, what the nodes say doesn't matter.
fe=/local/domain/1/device/vbd/51712
xloop exec g -- blkload --dev=xvda --queues=2 --rw=randrw --verify --runtime=100 --json >"$WORK/load" 2>&1 &
LOAD=$!
wait_for 10 node_is "$fe/state" 4
for key in protocol=x86_32-abi multi-queue-num-queues=0 queue-1/ring-ref=1 queue-0/event-channel=1 ring-ref=1 ring-page-order=4 \
	feature-persistent=x state=4; do
	xenstore-write "$fe/${key%%=*}" "${key#*=}"
done
xenstore-rm "$fe/queue-0"
kill $LOAD && wait $LOAD
is $? 0 "nodes that change under two busy queues disturb nothing"
is "$(jq -r '.verified > 0 and .errors + .verify_errors == 0' "$WORK/load")" true "and every block is right"

is "$(hostile --queues=4 overflow)" "overflow closed beside closed " "a broken ring closes the device with all of its queues"
is "$(hostile --queues=2 ring-overwritten)" "ring-overwritten closed beside closed " "so does a read onto the ring itself"
is "$(hostile --queues=3 good)" "good 0 beside well " "the device connects again afterwards"
is "$(maps)" "$before" "no ring stays mapped"
ok "the neighbour with two queues never noticed" neighbour_well good
