#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A PV guest of stock xl and a stock kernel reads and writes its disk on our blkback.

. "$(dirname "$0")/lib.sh"
xen_test 6
disk=$(image disk 64M)
head -c 1M /dev/urandom >"$WORK/data"
dd if="$WORK/data" of="$disk" conv=notrunc status=none
blkback_start
ok "xl creates the guest" guest_create light pv "vdev=xvda,access=rw,target=$disk"
is "$(guest_run light 'cat /sys/block/xvda/size')" 131072 "the guest sees the disk's size"
is "$(guest_run light 'head -c 1048576 /dev/xvda | md5sum')" "$(md5sum <"$WORK/data")" "it reads what is there"
ok "it writes" guest_run light 'dd if=/dev/xvda of=/dev/xvda bs=64k count=16 seek=512 conv=fsync 2>/dev/null'
is "$(dd if="$disk" bs=64k skip=512 count=16 status=none | md5sum)" "$(md5sum <"$WORK/data")" "the image has it"
ok "xl destroys the guest" xl destroy light
