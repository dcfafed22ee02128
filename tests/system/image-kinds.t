#!/bin/bash
# SPDX-License-Identifier: MIT
# Whatever the toolstack names as an image and as its mode: a disk, or Closed with one sentence in the store and the log.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 112

blkback_start
xloop create "$(guest_config g)" >/dev/null
devid=0

refused() { # WHAT REGEX PARAMS [NODES...]
	local what=$1 regex=$2 lines
	shift 2
	devid=$((devid + 1))
	vbd_make 1 $devid "$@"
	ok "$what closes the device" vbd_state 1 $devid 6
	like "$(vbd_error 1 $devid)" "^[0-9]+ .*$regex.*" "  and the store says why"
	lines=$(log_count "^blkback: warning: vbd $devid of guest 1: .*$regex")
	is "$lines" 1 "  and the log, in one line"
	vbd_remove 1 $devid
}

served() { # WHAT SECTORS PARAMS [NODES...]
	local what=$1 sectors=$2
	shift 2
	devid=$((devid + 1))
	vbd_make 1 $devid "$@"
	ok "$what is offered" vbd_state 1 $devid 2
	is "$(xloop exec g -- blkload --dev=$devid --op=info --json 2>/dev/null | jq .sectors)" "$sectors" "  with its size"
}

: >"$WORK/file"
img=$(image good.img 1M)
refused "a path below a file" "file/x can't be opened for writing: Not a directory" "$WORK/file/x"
refused "a character device" "null is neither a file nor a block device" /dev/null
perl -e 'use IO::Socket::UNIX; IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1)' "$WORK/socket"
refused "a socket" "socket can't be opened for writing: No such device" "$WORK/socket"
ln -s loop "$WORK/loop"
refused "a link to itself" "Too many levels of symbolic links" "$WORK/loop"
mkdir "$WORK/ro" && truncate -s 1M "$WORK/ro/img" && mount --bind -o ro "$WORK/ro" "$WORK/ro" &&
	mount -o remount,bind,ro "$WORK/ro"
refused "an image on a read-only file system" "can't be opened for writing: Read-only file system" "$WORK/ro/img"
served "but with mode r it" 2048 "$WORK/ro/img" mode=r
umount -l "$WORK/ro"
refused "a relative path" "work/good.img is no path from the root" "work/good.img"
refused "a path that is too long" "longer than a path" "/$(printf 'x%.0s' {1..1100})"
refused "a name that is too long" "File name too long" "/$(printf 'x%.0s' {1..300})"
refused "a path with a line feed" "such can't be opened for writing: No such file" "/no
such"
refused "a null disk without a size" "null: is no null disk.*null:1G" null:
refused "a null disk of garbage" "null:lots is no null disk" null:lots
refused "a null disk of nothing" "null:0 is empty" null:0
refused "a null disk of 513 bytes" "null:513 has a size that is no multiple of 512" null:513
refused "no params" "params.* names no image" - params-
refused "empty params" "params.* names no image" ""
refused "no mode" "mode is missing or empty; write access" "$img" mode-
refused "an empty mode" "mode is missing or empty; write access" "$img" mode=
refused "an empty cdrom drive" "drive is empty.*can't be filled later" - params- device-type=cdrom mode=r
refused "one with empty params" "drive is empty.*can't be filled later" "" device-type=cdrom mode=r
refused "nodes that name another device" "frontend and frontend-id don't name" "$img" frontend=/local/domain/1/device/vbd/99
refused "nodes that name another guest" "frontend and frontend-id don't name" "$img" frontend-id=2

served "a path with spaces" 2048 "$(image 'a  disk .img' 1M)"
served "a path in UTF-8" 4096 "$(image 'Scheibe-größe-磁盘-💾.img' 2M)"
# tmpfs' largest file: sector numbers go up to 2^54.
mount -t tmpfs none "$WORK/ro" && truncate -s $((0x7ffffffffffff000)) "$WORK/ro/huge"
served "an image of 8 EiB" $((0x7ffffffffffff000 / 512)) "$WORK/ro/huge"
xloop exec g -- blkload --dev=$devid --rw=randwrite --verify --bs=4k --offset=$((0x7ffffffffffff000 - 65536)) --size=64k \
	>"$WORK/out" 2>&1
is $? 0 "  and its last sectors work" || diag "$(cat "$WORK/out")"
umount -l "$WORK/ro"
served "a null disk" $((1 << 31)) null:1T

# What the guest is told: VDISK_CDROM 1, VDISK_REMOVABLE 2, VDISK_READONLY 4.
told() { # WHAT INFO [NODES...]
	local what=$1 info=$2
	shift 2
	served "$what" 2048 "$img" "$@"
	is "$(xenstore-read "$BE/1/$devid/info")" "$info" "  and the guest is told what it is"
	wait_node "$BE/1/$devid/state" 6
	vbd_remove 1 $devid
}
told "the mode w" 0 mode=w
told "the mode rw" 0 mode=rw
told "the mode r" 4 mode=r
told "the mode ro" 4 mode=ro
told "any mode without a w" 4 mode=xyz
told "a removable disk" 2 removable=1
told "one that is not" 0 removable=0
told "a cdrom" 5 device-type=cdrom mode=r
told "a cdrom of mode w" 5 device-type=cdrom mode=w
told "a removable cdrom" 7 device-type=cdrom mode=r removable=1
devid=$((devid + 1))
vbd_make 1 $devid "$img" device-type=cdrom mode=w
wait_for 5 node_is "$BE/1/$devid/state" 2
opened_to_write() {
	find "/proc/$BLKBACK_PID/fd" -lname "$img" -printf '%f\n' | while read -r fd; do
		awk '$1 == "flags:" { exit substr($2, length($2)) == 0 }' "/proc/$BLKBACK_PID/fdinfo/$fd" && echo "$fd"
	done | grep -q .
}
not_ok "whose image is opened read-only" opened_to_write
vbd_remove 1 $devid

# Shared by those that say so, and by nobody else.
for _ in 1 2; do
	devid=$((devid + 1))
	vbd_make 1 $devid "$img" mode='w!'
	ok "a disk of mode w! is offered" vbd_state 1 $devid 2
done
ok "its guest writes it" xloop exec g -- blkload --dev=$devid --rw=write --verify
refused "beside it a disk of mode w" "good.img is in use by guest g .*detach it there first" "$img"
like "$(xenstore-read /local/domain/0/error/backend/vbd 2>&1)" "" "no error is left"
