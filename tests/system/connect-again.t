#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk that is closed and connected again at once is not in its own way: its image may still be open in a thread that
# looks at its size.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 4

truncate -s 16M "$WORK/device.img"
device=$(losetup --find --show "$WORK/device.img")
export ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0
LD_PRELOAD=$BUILD/tests/slow_size.so blkback_start
guest_create g "vdev=xvda,target=$(image a.img 16M)" "vdev=xvdb,target=$device" >/dev/null

again() { # DISK
	for _ in {1..10}; do
		xloop exec g -- blkload --dev="$1" --rw=read --ios=1 || return
	done
}
ok "a file, ten times" again xvda
ok "a block device, ten times" again xvdb
is "$(log_count 'locked by another program|in use by this host')" 0 "neither was ever refused"
blkback_stop
is $? 0 "blkback ends in order"
losetup -d "$device"
