#!/bin/bash
# SPDX-License-Identifier: MIT
#
# While the kernel's own backend is loaded blkback refuses disks, in a sentence that xl shows.

. "$(dirname "$0")/lib.sh"
xen_test 5
disk=$(image disk 8M)
ok "xen-blkback is loaded" insmod "$BUILD/xen-blkback.ko"
blkback_start
out=$(xl create "$(guest_config g pv "vdev=xvda,access=rw,target=$disk")" 2>&1)
ok "a disk is refused" [ $? -ne 0 ]
like "$out" "xen-blkback is loaded and claims this disk; rmmod xen-blkback" "and xl says what to do"
ok "which can be done" rmmod xen_blkback
ok "and then the disk is served" guest_create g pv "vdev=xvda,access=rw,target=$disk"
