#!/bin/bash
# SPDX-License-Identifier: MIT
# An image on a tmpfs is read and written at once, without waking a thread of the kernel for each block; of large ones,
# which are worth it, some are left to these threads.  Without io_uring many small blocks are one system call; with it
# none is libaio's, whose contexts would hold up the end of a worker that is killed.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 13

mkdir "$WORK/memory"
mount -t tmpfs -o size=40m none "$WORK/memory"
truncate -s 32M "$WORK/memory/a.img"
blkback_start
xloop create "$(guest_config g "vdev=xvda,target=$WORK/memory/a.img" "vdev=xvdb,target=$(image b.img 32M)")" >/dev/null

helpers() { # kernel threads that worked for this worker
	grep -l '^iou-wrk' "/proc/$(worker_of 1)"/task/*/comm | wc -l
}
ok "small blocks are verified" xloop exec g -- blkload --dev=xvda --rw=randrw --bs=4k --qd=32 --ios=20000 --verify
is "$(helpers)" 0 "and no thread of the kernel was needed"
traced() { # DESCRIPTION: what its worker calls for 4000 blocks goes to $WORK/calls
	local worker tracer
	worker=$(worker_of 1)
	strace -f -qq -o "$WORK/calls" -e trace=preadv,pwritev,io_setup,io_submit -p "$worker" &
	tracer=$!
	wait_for 10 grep -q 'TracerPid:.*[1-9]' "/proc/$worker/status"
	ok "$1" xloop exec g -- blkload --dev=xvda --rw=randrw --bs=4k --qd=32 --ios=4000
	kill -INT $tracer
	wait $tracer
}
traced "4000 blocks, 32 in flight"
is "$(grep -c io_ "$WORK/calls")" 0 "none of them is libaio's"
ok "partial ones, too" xloop exec g -- blkload --dev=xvda --rw=randrw --bs=512 --qd=8 --ios=2000 --verify
ok "and large ones" xloop exec g -- blkload --dev=xvda --rw=randrw --bs=128k --qd=8 --ios=200 --verify
ok "of which threads of the kernel did some, beside the worker" test "$(helpers)" -gt 0
blkback_stop
blkback_start --no-io-uring
ok "without io_uring small blocks are verified" xloop exec g -- blkload --dev=xvda --rw=randrw --bs=4k --qd=32 --ios=20000 --verify
traced "4000 blocks, 32 in flight"
calls=$(wc -l <"$WORK/calls")
ok "took less than a system call for four ($calls)" test "$calls" -gt 0 -a "$calls" -lt 1000
blkback_stop
blkback_start
truncate -s 1M "$WORK/memory/a.img"
not_ok "what somebody cut off can't be read" xloop exec g -- blkload --dev=xvda --rw=read --bs=4k --offset=2M --ios=8
ok "what is left can" xloop exec g -- blkload --dev=xvda --rw=read --bs=4k --size=1M --ios=8
ok "and the other disk" xloop exec g -- blkload --dev=xvdb --rw=randrw --ios=100 --verify
umount -l "$WORK/memory"
