#!/bin/bash
# SPDX-License-Identifier: MIT
# Persistent grants: pages stay mapped instead of being copied, up to a bound, when both sides promise it.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 25

blkback_start --queues=2
guest_create g "vdev=xvda,target=$(image disk.img 64M)" >/dev/null
count() { # JSON-KEY
	xloop stats --json 0 | jq "$1"
}

is "$(field .persistent --persistent --op=info)" false "they are not offered unless blkback is told so"
is "$(backend_node g 51712 feature-persistent 2>/dev/null || echo 0)" 0 "nor written"
blkback_stop
blkback_start --queues=2 --persistent
is "$(field .persistent --persistent --op=info)" true "with --persistent they are had"
is "$(field .persistent --op=info)" false "by a guest that wants them"

for queues in 1 2; do
	for abi in 64 32; do
		for order in 0 4; do
			ok "$queues queues of order $order, $abi-bit: mixed blocks of 28k are as written" load --persistent --queues=$queues \
				--rw=randrw --verify --bs=28k --qd=20 --ring-order=$order --abi=$abi --seed=$abi
		done
	done
done
ok "blocks of one sector" load --persistent --rw=randwrite --verify --bs=512 --qd=64 --size=2M
ok "indirect requests" load --persistent --rw=randrw --verify --bs=512k --qd=16 --indirect=256

before=$(count .by.copy_ops)
ok "a load whose pages all fit" load --persistent --rw=randrw --qd=32 --ios=20000
is "$(($(count .by.copy_ops) - before))" 0 "copies nothing at all"
before=$(count .by.copy_ops)
ok "the same load without" load --rw=randrw --qd=32 --ios=20000
ok "copies each block" test "$(($(count .by.copy_ops) - before))" -ge 20000

# 4096 pages in turn: more than a queue keeps.
maps=$(count .maps)
xloop exec g -- blkload --dev=xvda --persistent --rw=randrw --verify --bs=256k --qd=64 --ring-order=4 --runtime=100 \
	>"$WORK/many" 2>&1 &
LOAD=$!
many() { [ "$(count .maps)" -gt 1000 ]; }
ok "more pages than are kept: many stay mapped" wait_for 10 many
most=0
for _ in {1..20}; do
	now=$(count .maps)
	[ "$now" -le "$most" ] || most=$now
done
ok "and no more than 1056 with the ring's 16" test "$((most - maps))" -le 1072
kill $LOAD
wait $LOAD
is $? 0 "every block was right"
is "$(count .maps)" "$maps" "nothing stays mapped after the disk closes"

is "$(xloop exec g -- "$BUILD/tests/blkhostile" xvda --persistent --readonly-grants good write 2>/dev/null)" $'good -1\nwrite 0' \
	"pages granted read-only are only read"
is "$(xloop exec g -- "$BUILD/tests/blkhostile" xvda --persistent bad-ref bad-ref-last good same-ref ring-as-data 2>/dev/null)" \
	$'bad-ref -1\nbad-ref-last -1\ngood 0\nsame-ref 0\nring-as-data 0' "bad references fail their request only"
is "$(count .maps)" "$maps" "and leave no map behind"
