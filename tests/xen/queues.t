#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Stock blkfront with four vCPUs takes four queues of a disk, in a PV and in a PVH guest: all of them carry verified I/O
# at once, small and in indirect requests, and two disks share the worker's threads.

. "$(dirname "$0")/lib.sh"
xen_test 14

# A part of the disk for each processor, and so for each queue.
four_jobs() { # OPTION...
	echo "fio --name=four --ioengine=libaio --direct=1 --filename=/dev/xvda --numjobs=4 --cpus_allowed=0-3
		--cpus_allowed_policy=split --size=4m --offset_increment=8m --rw=randwrite --verify=crc32c --verify_fatal=1 $*"
}

trial() { # pv|pvh
	local domid disk
	disk=$(image "disk-$1" 64M)
	ok "a $1 guest of four vCPUs is created" guest_create g "$1" "vdev=xvda,access=rw,target=$disk" \
		"vdev=xvdb,access=rw,target=$(image "other-$1" 8M)"
	domid=$(xl domid g)
	is "$(xenstore-read "/local/domain/$domid/device/vbd/51712/multi-queue-num-queues")" 4 "it asks for four queues"
	is "$(guest_run g 'ls /sys/block/xvda/mq | wc -l')" 4 "which is what its kernel uses"
	is "$(cat "/proc/$(pgrep -f "^blkback: dom $domid")"/task/*/comm | grep -vc '^iou-')" 4 \
		"one worker of four threads serves both disks"
	ok "small blocks are verified on all of them at once" guest_run g "$(four_jobs --bs=4k --iodepth=8)"
	ok "large ones, too" guest_run g "$(four_jobs --bsrange=64k-256k --iodepth=4)"
	is "$(guest_run g 'md5sum </dev/xvda')" "$(md5sum <"$disk")" "the image holds what the guest reads"
	xl destroy g
}

export GUEST_FIO=1 GUEST_VCPUS=4
blkback_start --queues=4
trial pv
trial pvh
