#!/bin/bash
# SPDX-License-Identifier: MIT
# Block devices as images: claimed while a guest writes them, discard, I/O errors, and 512-byte I/O on 4096-byte sectors.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 26

LOOPS=()
end_loops() {
	local dev
	for dev in "${LOOPS[@]}"; do
		losetup -d "$dev"
	done
}
loop_make() { # FILE OPTION...: DEV names it
	local file=$1
	shift
	DEV=$(losetup -f --show "$@" "$file") || return 1
	LOOPS+=("$DEV")
}
trap 'end_loops; test_end' EXIT

blkback_start
loop_make "$(image plain.img 8M)"
plain=$DEV
loop_make "$(image 4k.img 8M)" -b 4096
four=$DEV
loop_make "$(image cut.img 8M)"
cut=$DEV
xloop create "$(guest_config g)" >/dev/null
attach() { # VDEV DEV [ACCESS]
	xloop block-attach g "vdev=$1,access=${3:-rw},target=$2"
}
load() {
	xloop exec g -- blkload "$@"
}

ok "a block device is attached" attach xvda "$plain"
claimable() {
	perl -MFcntl -e 'sysopen(my $f, $ARGV[0], O_RDWR | O_EXCL) or die' "$plain"
}
not_ok "the host can't mount or claim it meanwhile" claimable
not_ok "no second guest's disk may be on it" attach xvdb "$plain"
ok "it works" load --dev=xvda --rw=randwrite --verify
is "$(load --dev=xvda --op=info --json | jq .sectors)" 16384 "with its size"
ok "the device has the data" cmp -s "$plain" "$WORK/plain.img"
load --dev=xvda --rw=write --verify >/dev/null
sync "$WORK/plain.img"
before=$(du -k "$WORK/plain.img" | cut -f1)
ok "a discard is taken" load --dev=xvda --op=discard --offset=1M --size=4M
ok "and frees the blocks" [ "$(du -k "$WORK/plain.img" | cut -f1)" -lt $((before - 3000)) ]
ok "what was not discarded is still there" load --dev=xvda --rw=read --verify --offset=5M --size=3M
xloop block-detach g xvda
ok "detached, the host may claim it again" wait_for 5 claimable
ok "read-only it is not claimed" attach xvda "$plain" ro
ok "so the host may read it, too" claimable
not_ok "a write is refused" load --dev=xvda --rw=write --ios=1
xloop block-detach g xvda

is "$(blockdev --getss "$four")" 4096 "a device with sectors of 4096 bytes"
ok "is attached" attach xvda "$four"
is "$(backend_node g 51712 sector-size 2>/dev/null)$(load --dev=xvda --op=info --json | jq -c '[.sector_size]')" "[512]" \
	"shows the guest sectors of 512"
ok "single sectors are written and read back" load --dev=xvda --rw=write --bs=512 --qd=8 --verify --size=256k
ok "odd lengths, too" load --dev=xvda --rw=write --bs=1536 --verify --offset=1M --size=384k
ok "whole sectors, too" load --dev=xvda --rw=randwrite --bs=8k --verify --offset=2M --size=1M
ok "and they do not disturb each other" load --dev=xvda --rw=read --bs=512 --verify --size=256k
ok "nor when all is read at once" load --dev=xvda --rw=read --bs=1536 --verify --offset=1M --size=384k
xloop block-detach g xvda

ok "a device whose file will be cut is attached" attach xvda "$cut"
load --dev=xvda --rw=write --verify >/dev/null
truncate -s 2M "$WORK/cut.img"
not_ok "its I/O errors reach the guest" load --dev=xvda --rw=read --offset=4M --size=1M --ios=16
like "$(cat "$XLOOP_DIR/blkback.log")" "vbd 51712: operation 0 on 4096 bytes at [0-9]+ failed: Input/output error" "and the log"
ok "what is there is served" load --dev=xvda --rw=read --verify --size=1M
ok "the disk stays attached" node_is "$BE/1/51712/state" 6
