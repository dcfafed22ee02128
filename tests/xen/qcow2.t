#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A qcow2 image as the disk of a stock guest, PV and PVH: verified I/O, a filesystem whose free space the guest trims, and
# a new image that holds what the guest saw.  Beside it a raw image, trimmed the same way.
#
# shellcheck disable=SC2016 # single quotes: for the guest's shell

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/disk.sh"
xen_test 18

# What a trim gave back: most of 24 MiB that were written and removed.
trims() { # NAME DISK IMAGE
	local full
	guest_run "$1" "/usr/sbin/mke2fs -q -t ext4 -O ^has_journal -E nodiscard /dev/$2 && mount -t ext4 /dev/$2 /mnt &&
		dd if=/dev/urandom of=/mnt/file bs=1M count=24 2>/dev/null && sync" || return 1
	full=$(allocated "$3")
	guest_run "$1" 'rm /mnt/file && sync && fstrim /mnt && umount /mnt' || return 1
	echo "$full blocks before, $(allocated "$3") after"
	[ $((full - $(allocated "$3"))) -gt $((20 * 2048)) ]
}

trial() { # pv|pvh
	local disk=$WORK/$1.qcow2 raw
	raw=$(image "$1.raw" 64M)
	qemu-img create -q -f qcow2 "$disk" 64M
	ok "a $1 guest is created with a qcow2 image" guest_create g "$1" "vdev=xvda,access=rw,target=qcow2:$disk" \
		"vdev=xvdb,access=rw,target=$raw"
	is "$(guest_run g 'cat /sys/block/xvda/size')" 131072 "it sees the size within"
	ok "fio verifies its blocks of 512 bytes to 1 MiB, up to 32 at a time" guest_run g "$(fio_jobs)"
	ok "a filesystem's free space is trimmed, and given back" trims g xvda "$disk"
	ok "and that of the raw image" trims g xvdb "$raw"
	sum=$(guest_run g 'sync ; md5sum </dev/xvda')
	xl destroy g
	ok "the guest goes, and the image's server with it" wait_for 15 no_server
	is "$(qemu-img convert -f qcow2 -O raw "$disk" "$disk.raw" && md5sum <"$disk.raw")" "$sum" "the image holds what the guest read"
	ok "QEMU finds it in order" qemu-img check -q -f qcow2 "$disk"
	ok "and the filesystem is clean" e2fsck -fn "$disk.raw"
	rm -f "$disk" "$disk.raw" "$raw"
}

no_server() {
	! pgrep -x qemu-nbd >/dev/null
}

export GUEST_FIO=1
blkback_start
trial pv
trial pvh
