# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# shellcheck disable=SC2016 # single quotes: for the guest's shell
#
# What a guest does with its disks, the same for each type of guest: disk_trial pv|pvh runs DISK_TESTS tests.

export DISK_TESTS=17

fio_jobs() {
	echo "fio --ioengine=libaio --direct=1 --filename=/dev/xvda --verify=crc32c --verify_fatal=1 --rw=randwrite
		--name=bs512 --bs=512 --iodepth=8 --size=128k
		--name=qd1 --stonewall --bs=4k --iodepth=1 --offset=1m --size=1m
		--name=qd32 --stonewall --bs=4k --iodepth=32 --offset=4m --size=4m
		--name=mixed --stonewall --bsrange=512-128k --iodepth=8 --offset=16m --size=8m
		--name=big --stonewall --bs=1m --iodepth=4 --offset=32m --size=16m"
}

flushes() { # of the disk below the image
	awk '{ print $16 }' /sys/block/vda/stat
}

allocated() {
	sync
	stat -c %b "$1"
}

# Debian's busybox takes its own mke2fs and blkdiscard unless the whole path is given.
disk_trial() {
	local type=$1 disk reader before sum
	export GUEST_FIO=1
	disk=$(image disk 64M)
	reader=$(image reader 1M)
	head -c 1M /dev/urandom >"$reader"
	blkback_start
	ok "xl creates the guest" guest_create g "$type" "vdev=xvda,access=rw,target=$disk" "vdev=xvdb,access=r,target=$reader"
	is "$(guest_run g 'cat /sys/block/xvda/size /sys/block/xvdb/size' | xargs)" "131072 2048" "it sees both disks' sizes"

	ok "fio verifies its blocks of 512 bytes to 1 MiB, up to 32 at a time" guest_run g "$(fio_jobs)"
	sum=$(guest_run g 'sync ; md5sum </dev/xvda')
	is "$(md5sum <"$disk")" "$sum" "the image holds what the guest reads"

	before=$(flushes)
	ok "the guest writes and flushes" guest_run g 'dd if=/dev/zero of=/dev/xvda bs=4k count=1 conv=fsync 2>/dev/null'
	ok "and the flush reaches the disk below" [ "$(flushes)" -gt "$before" ]

	ok "the guest discards its disk" guest_run g '/usr/sbin/blkdiscard /dev/xvda'
	is "$(allocated "$disk")" 0 "which gives the image's blocks back"
	is "$(guest_run g 'md5sum </dev/xvda')" "$(md5sum <"$disk")" "and reads as the image does"

	ok "it makes a filesystem" guest_run g '/usr/sbin/mke2fs -q -t ext4 /dev/xvda && mount -t ext4 /dev/xvda /mnt'
	ok "fills it" guest_run g 'for i in 1 2 3 4 5 6 7 8 ; do mkdir /mnt/$i && dd if=/dev/urandom of=/mnt/$i/file bs=64k count=20 2>/dev/null
		|| break ; done ; (cd /mnt && md5sum */file >sums) && sync'
	ok "finds all of it again" guest_run g 'umount /mnt && echo 3 >/proc/sys/vm/drop_caches && mount -t ext4 /dev/xvda /mnt && cd /mnt &&
		md5sum -c sums && [ $(wc -l <sums) = 8 ] && cd / && umount /mnt'
	ok "and dom0 finds a clean filesystem in the image" e2fsck -fn "$disk"

	is "$(guest_run g 'cat /sys/block/xvdb/ro')" 1 "a read-only disk says so"
	is "$(guest_run g 'md5sum </dev/xvdb')" "$(md5sum <"$reader")" "is read"
	not_ok "and not written" guest_run g 'dd if=/dev/zero of=/dev/xvdb bs=4k count=1 conv=fsync'
	ok "xl shuts the guest down" xl destroy g
}
