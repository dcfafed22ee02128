#!/bin/bash
# SPDX-License-Identifier: MIT
# Indirect requests: up to 256 segments in one, as many as the guest asks for, and every byte is right.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 31

blkback_start --queues=2
guest_create g "vdev=xvda,target=$(image disk.img 64M)" "vdev=xvdb,access=ro,target=$(image ro.img 16M)" >/dev/null
# How many requests a number of blocks takes, and how many of these are indirect.
requests() {
	field '"\(.front.requests) \(.front.indirect)"' "$@"
}

is "$(field '"\(.indirect) of \(.max_indirect)"' --op=info)" "32 of 256" "32 segments are had unless more are asked for"
is "$(field .indirect --op=info --indirect=1000)" 256 "256 are the most"
is "$(field .indirect --op=info --indirect=11)" 0 "11 need no indirect request"
is "$(requests --rw=randread --bs=128k --ios=200)" "200 200" "128k is one request"
is "$(requests --rw=randwrite --bs=128k --ios=200 --indirect=0)" "600 0" "or three without"
is "$(requests --rw=write --bs=1M --qd=8 --ios=64 --indirect=256)" "64 64" "1M is one request of 256 segments"
is "$(requests --rw=read --bs=172k --ios=64)" "128 64" "43 segments are one indirect request and one plain one"
is "$(requests --rw=randrw --bs=44k --ios=200)" "200 0" "44k still goes without"

for order in 0 2 4; do
	for abi in 64 32; do
		for segments in 12 32 256; do
			ok "order $order, $abi-bit, $segments segments: blocks of 516k are as written" \
				load --rw=randrw --verify --bs=516k --qd=20 --ring-order=$order --abi=$abi --indirect=$segments --seed=$abi
		done
	done
done
ok "blocks that start and end within a page" load --rw=randwrite --verify --bs=130560 --offset=512 --size=32M
ok "through bounce pages, more than there is room for at once" load --rw=randrw --verify --bs=1M --qd=40 --ring-order=4 --indirect=256
ok "and from two queues" load --queues=2 --rw=randrw --verify --bs=512k --qd=30 --ring-order=4 --indirect=256
ok "among small ones and flushes" load --rw=randwrite --verify --bs=64k --flush-every=8 --ios=500
ok "a read-only disk is read" xloop exec g -- blkload --dev=xvdb --rw=randread --bs=512k --indirect=256 --ios=200
