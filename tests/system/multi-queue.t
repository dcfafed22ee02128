#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk with several queues: each has its nodes, its ring and its thread, and every byte is right.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 41

blkback_start --queues=4
guest_create g "vdev=xvda,target=$(image disk.img 64M)" "vdev=xvdb,access=ro,target=$(image ro.img 1M)" >/dev/null
hold() { # BLKLOAD-OPTION...
	: >"$WORK/held"
	xloop exec g -- blkload --dev=xvda --op=hold "$@" >"$WORK/held" 2>&1 &
	HOLDER=$!
	wait_for 10 grep -q connected "$WORK/held"
}
release() {
	kill $HOLDER && wait $HOLDER
}
nodes() {
	xenstore-ls -f /local/domain/1/device/vbd/51712 | grep -oE '(multi-queue|queue-|ring-|event-)[^ ]*' | sort | tr '\n' ' '
}
threads() { # without io_uring's, which are the kernel's
	cat "/proc/$(worker_of 1)/task"/*/comm | grep -cv iou-wrk
}
maps() {
	xloop stats --json 0 | jq .maps
}

hold
is "$(threads)" 1 "one queue is served by one thread"
release
for n in 1 2 4; do
	is "$(field '"\(.queues) of \(.max_queues)"' --op=info --queues=$n)" "$n of 4" "$n queues are had"
	for order in 0 1 4; do
		for abi in 64 32; do
			ok "$n queues of order $order, $abi-bit: mixed blocks of 12k are as written" \
				load --queues=$n --rw=randrw --verify --bs=12k --qd=40 --ring-order=$order --abi=$abi --seed=$n$abi$order
		done
	done
done
is "$(field .queues --op=info --queues=16)" 4 "no more than are offered"

before=$(maps)
hold
is "$(nodes)" "event-channel ring-ref " "one queue is named as ever"
release
hold --queues=2
is "$(nodes)" "multi-queue-num-queues queue-0 queue-0/event-channel queue-0/ring-ref queue-1 queue-1/event-channel queue-1/ring-ref " \
	"two have their own directories and nothing above"
is "$(maps)" $((before + 2)) "two rings are mapped"
release
hold --queues=4 --ring-order=1
is "$(nodes | wc -w)" 18 "four with two pages each: a count, an order, and 4 times a directory, two pages and a channel"
four=$(threads)
ok "they are served by four threads" test "$four" -ge 4 # a sanitizer may add its own
is "$(maps)" $((before + 8)) "and eight pages mapped"
ok "another disk of the guest is served by them, too" xloop exec g -- blkload --dev=xvdb --queues=3 --rw=randread --ios=1000
is "$(threads)" "$four" "which are no more than before"
release
is "$(maps)" "$before" "nothing stays mapped"
hold
is "$(nodes)" "event-channel ring-ref " "a frontend with one queue leaves nothing of four behind"
release

ok "a whole pass on four queues" load --queues=4 --rw=write --verify --bs=64k --seed=5
is "$(field .verified --rw=randread --verify --bs=4k --seed=5)" 16384 "is what one queue reads"
is "$(field .verified --queues=3 --rw=read --verify --bs=128k --seed=5)" 512 "and what three read"
is "$(field '"\(.ios) \(.flushes)"' --queues=4 --rw=write --ios=1001 --flush-every=50)" "1001 20" "a load is shared out to the last block"
not_ok "four blocks are too few for five queues' worth" load --queues=4 --rw=write --bs=1M --size=3M

xloop exec g -- blkload --dev=xvda --queues=4 --rw=randrw --runtime=100 >"$WORK/busy" 2>&1 &
BUSY=$!
wait_for 10 node_is "$BE/1/51712/state" 4
ok "a disk with four busy queues is taken away" xloop block-detach g xvda
wait $BUSY
is $? 1 "and its load ends, with an error"
is "$(maps)" "$before" "with nothing mapped"
