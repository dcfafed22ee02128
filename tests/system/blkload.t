#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest's disk takes and gives back every byte, over all ring sizes and both ABIs.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 36

blkback_start
disk=$(image disk.img 64M)
guest_create g "vdev=xvda,target=$disk" >/dev/null

is "$(field .bytes --op=info)" 67108864 "the disk has the image's size"
is "$(field .readonly --op=info)" false "and can be written"

for order in 0 1 2 3 4; do
	for abi in 64 32; do
		ok "ring order $order, $abi-bit: mixed blocks of 12k are as written" \
			load --rw=randrw --verify --bs=12k --qd=100 --ring-order=$order --abi=$abi --seed=$abi$order
	done
done
ok "blocks of one sector" load --rw=randwrite --verify --bs=512 --qd=64 --size=8M --ring-order=1
ok "blocks longer than a ring request" load --rw=randwrite --verify --bs=1M --qd=16
ok "blocks through bounce pages" load --rw=randwrite --verify --bs=1M --qd=32 --ring-order=4
ok "blocks that start and end within a page" load --rw=write --verify --bs=2560 --size=2560000 --offset=512
ok "one block at a time" load --rw=randrw --verify --bs=4k --qd=1 --ios=2000
ok "flushes among the writes" load --rw=randwrite --verify --flush-every=16 --qd=8 --ios=2000
is "$(field .flushes --rw=write --flush-every=8 --ios=800)" 100 "as many as were asked for"

ok "a whole pass" load --rw=write --verify --bs=64k --seed=5
ok "a later program finds it" load --rw=randread --verify --bs=4k --seed=5
is "$(field .verified --rw=read --verify --bs=128k --seed=5)" 512 "in other blocks, too"
not_ok "another seed is told from it" load --rw=read --verify --seed=6 --ios=100
not_ok "another generation is told from it" load --rw=read --verify --seed=5 --generation=2 --ios=100
ok "the image holds it: one block is moved" dd if="$disk" of="$disk" bs=4k skip=7 seek=9 count=1 conv=notrunc status=none
is "$(field '"\(.verify_errors) \(.verified)"' --rw=read --verify --seed=5)" "1 16383" "and just that one is found"

ok "flush" load --op=flush
ok "barrier" load --op=barrier
ok "barrier with data" load --op=barrier --offset=1M --size=44k --seed=9
ok "which is on the disk" load --rw=read --verify --bs=512 --offset=1M --size=44k --seed=9
ok "discard" load --op=discard --offset=2M --size=1M
not_ok "what was discarded is gone" load --rw=read --verify --offset=2M --size=1M --seed=5

is "$(field '"\(.errors) \(.ios)"' --rw=randread --qd=32 --ios=5000)" "0 5000" "a load reports what it did"
# 250 bursts of 4 at 2000 blocks per second: the last one starts after 0.498 s, however fast the disk is.
is "$(field '"\(.ios) \(.seconds > 0.49)"' --rw=randread --qd=4 --rate=2000 --ios=1000)" "1000 true" "a load goes by the clock"
not_ok "a part beyond the end is refused" load --rw=read --offset=63M --size=2M
like "$(load --rw=read --offset=63M --size=2M 2>&1)" "beyond the disk's 67108864 bytes" "in one sentence"
