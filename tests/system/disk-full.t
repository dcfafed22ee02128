#!/bin/bash
# SPDX-License-Identifier: MIT
# The host's file system is full: writes that need room fail, all else is served; when there is room again it all works.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 11

mkdir "$WORK/small"
mount -t tmpfs -o size=8M none "$WORK/small"
truncate -s 16M "$WORK/small/disk.img"
blkback_start
xloop create "$(guest_config g "vdev=xvda,target=$WORK/small/disk.img" "vdev=xvdb,target=$(image other.img 8M)")" >/dev/null
ok "what has room is written" load --rw=write --verify --size=4M
dd if=/dev/zero of="$WORK/small/ballast" bs=1M status=none 2>/dev/null
not_ok "what has none gives an error" load --rw=write --offset=8M --size=1M --ios=16
like "$(cat "$XLOOP_DIR/blkback.log")" "vbd 51712: operation 1 on 4096 bytes at [0-9]+ failed: No space left on device" \
	"the log says why"
ok "not more than it has to" [ "$(log_count 'No space left')" -le 6 ]
is "$(backend_node g 51712 state)" 6 "the frontend closed in order"
ok "what was written reads well" load --rw=read --verify --size=4M
ok "and can be overwritten" load --rw=write --verify --size=4M --generation=2
ok "the guest's other disk works" xloop exec g -- blkload --dev=xvdb --rw=randwrite --verify --ios=200
rm "$WORK/small/ballast"
ok "with room again the rest can be written" load --rw=write --verify --offset=4M --size=2M
used() {
	du -k "$WORK/small/disk.img" | cut -f1
}
before=$(used)
load --op=discard --offset=4M --size=2M >/dev/null
ok "and a discard makes room" [ "$(used)" -le $((before - 2048)) ]
ok "a flush is fine" load --op=flush
umount -l "$WORK/small"
