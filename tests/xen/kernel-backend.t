#!/bin/bash
# SPDX-License-Identifier: MIT
#
# While the kernel's own backend is loaded blkback refuses disks, in a sentence that xl shows.  Loaded under a live guest
# it takes the guest's disk, which nobody can prevent; the log says who did it.

. "$(dirname "$0")/lib.sh"
xen_test 11
disk=$(image disk 8M)
log_has() { # REGEX
	blkback_log | grep -q "$1"
}

ok "xen-blkback is loaded" insmod "$BUILD/xen-blkback.ko"
blkback_start
out=$(xl create "$(guest_config g pv "vdev=xvda,access=rw,target=$disk")" 2>&1)
ok "a disk is refused" [ $? -ne 0 ]
like "$out" "xen-blkback is loaded and claims this disk; rmmod xen-blkback" "and xl says what to do"
ok "which can be done" rmmod xen_blkback
ok "and then the disk is served" guest_create g pv "vdev=xvda,access=rw,target=$disk"
not_ok "the log has no word of xen-blkback then" log_has "vbd 51712 of guest $(xl domid g): .*xen-blkback"
ok "xen-blkback is loaded under the guest" insmod "$BUILD/xen-blkback.ko"
ok "blkback says who took the guest's disk" wait_for 30 log_has "vbd 51712 of guest $(xl domid g): .*xen-blkback is loaded"
xl destroy g
ok "without a guest xen-blkback can be unloaded" wait_for 30 rmmod xen_blkback
ok "and then the next guest is created" guest_create g pv "vdev=xvda,access=rw,target=$disk"
ok "and has its disk" guest_run g 'dd if=/dev/xvda of=/dev/null bs=64k count=8 2>/dev/null'
