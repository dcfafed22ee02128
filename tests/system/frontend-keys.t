#!/bin/bash
# SPDX-License-Identifier: MIT
# Garbage in each key that a frontend writes: the device closes with one clear sentence, or the key is none that matters.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 173

blkback_start --queues=4
xloop create "$(guest_config g "vdev=xvda,target=null:1G")" >/dev/null
xloop create "$(guest_config other "vdev=xvda,target=$(image other.img 16M)")" >/dev/null
neighbour_start other
long=$(printf '9%.0s' {1..1900})
words=$(printf 'x%.0s' {1..1900})

keys() {
	xloop exec g -- "$BUILD/tests/blkkeys" xvda "$@" 2>/dev/null
}
refused() { # REGEX KEY...
	local regex=$1 what
	shift
	what=$(printf '%.60s ' "$@")
	is "$(keys "$@")" refused "$what"
	like "$(vbd_error 1 51712)" "^[0-9]+ .*$regex" "  with a reason"
}
taken() { # KEY...
	is "$(keys "$@")" connected "$(printf '%.60s ' "$@")does no harm"
}

no_ref="frontend's ring-ref is no grant reference"
for value in "" x -1 0x10 "8 " " 8" 1e3 4294967296 18446744073709551616 "$long" "$words" $'8\n' ٨; do
	refused "$no_ref" "ring-ref=$value"
done
refused "frontend's ring-ref is missing" ring-ref-
refused "map the ring that the guest granted" ring-ref=4294967295
refused "map the ring that the guest granted" ring-ref=0
refused "map the ring that the guest granted" ring-ref=60000

no_order="is no size of a ring"
for value in "" x -1 0x10 5 31 32 4294967295 4294967296 18446744073709551615 "$long"; do
	refused "$no_order" "ring-page-order=$value"
done
for value in 0 3 17 -1 32 4294967296 ""; do
	refused "$no_order" "num-ring-pages=$value"
done
refused "frontend's ring-ref0 is missing" ring-page-order=1
refused "frontend's ring-ref1 is missing" --ring-order=1 ring-ref1-
refused "frontend's ring-ref15 is missing" --ring-order=4 ring-ref15-
refused "frontend's ring-ref7 is no grant" --ring-order=4 ring-ref7=x
refused "ring-ref1 is a page that a ring has already" --ring-order=1 ring-ref0=8 ring-ref1=8
refused "map the ring" --ring-order=4 ring-ref9=60000

for value in "" x -1 131072 4294967295 4294967296 "$long"; do
	refused "frontend's event-channel is no event channel" "event-channel=$value"
done
refused "frontend's event-channel is missing" event-channel-
refused "bind the guest's event channel" event-channel=0
refused "bind the guest's event channel" event-channel=1000

for value in "" x X86_64-ABI "x86_64-abi " arm-abi "$words"; do
	refused "speaks protocol '.{0,40}'; only x86_64-abi and" "protocol=$value"
done

for value in "" x -1 0 64 4294967297 "$words"; do
	refused "frontend's multi-queue-num-queues is no number from 1 to" "multi-queue-num-queues=$value"
done
refused "frontend's multi-queue-num-queues is no number from 1 to 4" multi-queue-num-queues=5
refused "frontend's multi-queue-num-queues is no number from 1 to 4" multi-queue-num-queues=0x2
refused "frontend's ring-ref is missing" multi-queue-num-queues=2
refused "frontend's ring-ref is missing" --queues=2 multi-queue-num-queues-
refused "frontend's ring-ref is missing" --queues=2 multi-queue-num-queues=1
refused "frontend's ring-ref is missing" --queues=2 multi-queue-num-queues=3
refused "frontend's ring-ref is missing" --queues=2 queue-0-
refused "frontend's ring-ref is missing" --queues=4 queue-3-
refused "frontend's ring-ref is missing" --queues=2 queue-1- ring-ref=8 event-channel=3
refused "frontend's event-channel is missing" --queues=2 queue-1/event-channel-
refused "frontend's event-channel is no event channel" --queues=2 queue-1/event-channel=-1
refused "bind the guest's event channel" --queues=2 queue-1/event-channel=1000
refused "bind the guest's event channel" --queues=2 queue-0/event-channel=2 queue-1/event-channel=2
refused "frontend's ring-ref is no grant" --queues=2 queue-1/ring-ref=x
refused "map the ring that the guest granted" --queues=2 queue-1/ring-ref=60000
refused "ring-ref is a page that a ring has already" --queues=2 queue-0/ring-ref=8 queue-1/ring-ref=8
refused "ring-ref is a page that a ring has already" --queues=3 queue-1/ring-ref=8 queue-2/ring-ref=8
refused "ring-ref0 is a page that a ring has already" --queues=2 --ring-order=1 queue-0/ring-ref1=8 queue-1/ring-ref0=8
refused "frontend's ring-ref15 is missing" --queues=4 --ring-order=4 queue-3/ring-ref15-
taken --queues=2 ring-ref=8 event-channel=3 ring-ref0=60000
taken --queues=2 queue-1/ring-page-order=4 queue-1/ring-ref0=60000 queue-2/ring-ref=x queue-7=x
taken --queues=4 --ring-order=4
is "$(keys --queues=4 multi-queue-num-queues=3)" "connected, 1 silent" "three of four queues are served if it says so"

taken ring-ref0=60000
taken feature-persistent=x num-ring-pages="$words" ring-page-order=0 ring-ref1=x backend-id=9
ok "another guest's disk worked all the time" neighbour_well other
