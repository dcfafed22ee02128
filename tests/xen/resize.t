#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest's disks grow while it has a filesystem mounted on one and writes to it: stock blkfront takes the new size,
# resize2fs grows the filesystem in place, and it is clean in the end.  A file, a block device and a qcow2 image.
#
# shellcheck disable=SC2016 # single quotes: for the guest's shell

. "$(dirname "$0")/lib.sh"
xen_test 21
disk=$(image disk 32M)
backing=$(image backing 16M)
qcow2=$WORK/disk.qcow2
qemu-img create -q -f qcow2 "$qcow2" 32M
insmod "$BUILD/loop.ko"
mknod /dev/loop0 b 7 0 2>/dev/null
loop=$(losetup -f --show "$backing")

capacity() { # DISK SECTORS
	guest_run g "while [ \$(cat /sys/block/$1/size) != $2 ] ; do sleep 0.2 ; done"
}

blkback_start
ok "xl creates a guest with a file, a block device and a qcow2 image" guest_create g pv "vdev=xvda,access=rw,target=$disk" \
	"vdev=xvdb,access=rw,target=$loop" "vdev=xvdc,access=rw,target=qcow2:$qcow2"
ok "it mounts a filesystem" guest_run g '/usr/sbin/mke2fs -q -t ext4 -O ^has_journal -E resize=64M /dev/xvda &&
	mount -t ext4 /dev/xvda /mnt && dd if=/dev/urandom of=/mnt/old bs=64k count=40 2>/dev/null && md5sum /mnt/old >/tmp/old'
ok "and writes to it all the time" guest_run g 'touch /tmp/go ; { i=0 ; while [ -e /tmp/go ] ; do i=$((i + 1)) ;
	dd if=/dev/urandom of=/mnt/busy bs=16k count=4 conv=fsync 2>/dev/null || { touch /tmp/failed ; break ; } ; done ; } & true'
truncate -s 64M "$disk"
ok "the file grows, the guest sees it" capacity xvda 131072
ok "resize2fs grows the mounted filesystem" guest_run g '/usr/sbin/resize2fs /dev/xvda'
ok "which takes what did not fit before" guest_run g 'dd if=/dev/urandom of=/mnt/new bs=64k count=600 2>/dev/null &&
	sync && md5sum /mnt/new >/tmp/new && echo 3 >/proc/sys/vm/drop_caches && md5sum -c /tmp/new /tmp/old'
ok "the I/O meanwhile never failed" guest_run g 'rm /tmp/go ; sleep 1 ; [ ! -e /tmp/failed ]'
ok "the guest lets go of it" guest_run g 'umount /mnt'
ok "and dom0 finds the whole filesystem clean" e2fsck -fn "$disk"
is "$(dumpe2fs -h "$disk" 2>/dev/null | awk '/^Block count/ { count = $3 } /^Block size/ { print count * $3 }')" 67108864 "in 64 MiB"

truncate -s 24M "$backing"
losetup -c "$loop"
ok "the block device grows, the guest sees it" capacity xvdb 49152
ok "writes its first sector" guest_writes g xvdb "$backing" "start"
ok "and its last" guest_run g 'echo end | dd of=/dev/xvdb bs=512 seek=49151 conv=sync,fsync 2>/dev/null'
is "$(tail -c 512 "$backing" | head -n 1)" end "in dom0"

ok "it mounts a filesystem on the qcow2 image, and writes to it" guest_run g '/usr/sbin/mke2fs -q -t ext4 -O ^has_journal -E resize=64M /dev/xvdc &&
	mount -t ext4 /dev/xvdc /mnt && touch /tmp/go && { i=0 ; while [ -e /tmp/go ] ; do i=$((i + 1)) ;
	dd if=/dev/urandom of=/mnt/busy bs=16k count=4 conv=fsync 2>/dev/null || { touch /tmp/failed ; break ; } ; done ; } & true'
ok "halfback resize makes the image larger" "$BUILD/halfback" resize g xvdc 64M
ok "the guest sees it" capacity xvdc 131072
ok "grows the mounted filesystem, and uses it" guest_run g '/usr/sbin/resize2fs /dev/xvdc && dd if=/dev/urandom of=/mnt/new bs=64k count=600 2>/dev/null &&
	sync && md5sum /mnt/new >/tmp/new && echo 3 >/proc/sys/vm/drop_caches && md5sum -c /tmp/new'
ok "its I/O meanwhile never failed" guest_run g 'rm /tmp/go ; sleep 1 ; [ ! -e /tmp/failed ] && umount /mnt'
xl destroy g
ok "QEMU finds the image in order" wait_for 15 qemu-img check -q -f qcow2 "$qcow2"
ok "and the filesystem in it is clean" sh -c "qemu-img convert -f qcow2 -O raw '$qcow2' '$qcow2.raw' && e2fsck -fn '$qcow2.raw'"
losetup -d "$loop"
