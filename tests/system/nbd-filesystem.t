#!/bin/bash
# SPDX-License-Identifier: MIT
# A real file system on a guest's disk: made, filled, checked and read back through the PV ring.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 8

blkback_start
disk=$(image disk.img 128M)
guest_create g "vdev=xvda,target=$disk" >/dev/null
mkdir "$WORK/nbd" "$WORK/mnt"

# The disk as the file $WORK/nbd/disk, until unserved.
serve() {
	# shellcheck disable=SC2016
	WORK=$WORK xloop exec g -- nbdkit -U - "$BUILD/nbdkit-xenblk-plugin.so" dev=xvda ring-order=2 \
		--run 'nbdfuse "$WORK/nbd/disk" "$uri"' >>"$WORK/nbdfuse.out" 2>&1 &
	SERVER=$!
	wait_for 10 test -s "$WORK/nbd/disk"
}
unserve() {
	fusermount3 -u "$WORK/nbd" && wait "$SERVER"
}
clean_up() {
	mountpoint -q "$WORK/mnt" && umount "$WORK/mnt"
	mountpoint -q "$WORK/nbd" && fusermount3 -uz "$WORK/nbd"
	test_end
}
trap clean_up EXIT

fill() {
	mount -o loop "$WORK/nbd/disk" "$WORK/mnt" && mkdir "$WORK/mnt/d" && cp -r "$TOP/loopback" "$TOP/tests" "$WORK/mnt/d" &&
		head -c 20M /dev/urandom >"$WORK/random" && cp "$WORK/random" "$WORK/mnt/random" &&
		umount "$WORK/mnt"
}
same() {
	cmp "$WORK/random" "$WORK/mnt/random" && diff -r "$TOP/loopback" "$WORK/mnt/d/loopback"
}

serve
is $? 0 "nbdfuse shows the disk as a file"
ok "mkfs.ext4" mkfs.ext4 -q "$WORK/nbd/disk"
ok "it is mounted, filled, and unmounted" fill
ok "fsck finds nothing through the disk" fsck.ext4 -fn "$WORK/nbd/disk"
unserve
is $? 0 "the disk is closed"
ok "fsck finds nothing in the image" fsck.ext4 -fn "$disk"
serve
ok "the next connection mounts it" mount -o loop,ro "$WORK/nbd/disk" "$WORK/mnt"
ok "and reads the files back" same
umount "$WORK/mnt"
unserve
