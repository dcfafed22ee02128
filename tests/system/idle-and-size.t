#!/bin/bash
# SPDX-License-Identifier: MIT
# What an idle host costs: no system call at all, and little memory.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 7

blkback_start
xloop create "$(guest_config g "vdev=xvda,target=$(image a.img 64M)")" >/dev/null
hold_start() {
	xloop exec g -- blkload --dev="$1" --hold >"$WORK/hold.$1" 2>&1 &
	wait_for 10 grep -q connected "$WORK/hold.$1"
}
ok "the disk has worked" xloop exec g -- blkload --dev=xvda --rw=randrw --verify --qd=32 --ios=2000
ok "a frontend is connected" hold_start xvda
worker=$(worker_of 1)

# Buffers are the worker's largest anonymous mappings: 11 pages for each of 32 requests.
# A sanitizer's own memory is not blkback's: its builds are held to eight times as much.
case $BUILD in */asan | */tsan) times=8 ;; *) times=1 ;; esac
resident=$(rss_kib "$worker")
ok "a worker with one disk is below $((16 * times)) MiB ($resident KiB, buffers included)" [ "$resident" -lt $((16384 * times)) ]

# Everything that either of them does for two seconds, in all threads.
strace -f -o "$WORK/strace" -p "$worker" -p "$BLKBACK_PID" 2>/dev/null &
tracer=$!
sleep 0.3
noise='unfinished|restart_syscall|attached'
case $BUILD in */tsan) noise="$noise|gettimeofday|nanosleep|exited" ;; esac # its runtime's own thread
before=$(grep -vcE "$noise" "$WORK/strace")
sleep 2
after=$(grep -vcE "$noise" "$WORK/strace")
kill -INT $tracer
wait $tracer 2>/dev/null
is "$after" "$before" "no system call for two seconds, of supervisor and worker together" || diag "$(cat "$WORK/strace")"
ok "and strace did see them" grep -qE 'io_uring_enter|epoll_wait' "$WORK/strace"

more_disks() {
	local n
	for n in $(seq 63); do
		vbd_make 1 "$n" null:1G
	done
	for n in $(seq 63); do
		vbd_state 1 "$n" 2 || return 1
	done
}
ok "63 more disks are offered" more_disks
resident=$(rss_kib "$BLKBACK_PID")
ok "the supervisor with 64 disks is below $((32 * times)) MiB ($resident KiB)" [ "$resident" -lt $((32768 * times)) ]
