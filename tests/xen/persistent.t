#!/bin/bash
# SPDX-License-Identifier: MIT
#
# blkback --persistent: stock blkfront uses persistent grants and indirect requests, the same pages serve again and
# again, and all of them are let go with the guest.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/disk.sh"
xen_test 12

trial() { # pv|pvh
	local disk mapped
	disk=$(image "disk-$1" 64M)
	ok "a $1 guest is created" guest_create g "$1" "vdev=xvda,access=rw,target=$disk"
	like "$(guest_run g 'dmesg')" "xvda: .*persistent grants: enabled; indirect descriptors: enabled" \
		"its kernel uses persistent grants and indirect requests"
	ok "fio verifies its blocks of 512 bytes to 1 MiB, up to 32 at a time" guest_run g "$(fio_jobs)"
	is "$(guest_run g 'md5sum </dev/xvda')" "$(md5sum <"$disk")" "the image holds what the guest reads"
	mapped=$(grep -c /dev/xen/gntdev "/proc/$(pgrep -f "^blkback: dom $(xl domid g)")/maps")
	ok "pages stay mapped meanwhile: $mapped" [ "$mapped" -gt 100 ]
	xl destroy g
	ok "and none when the guest is gone" wait_for 10 only_dom0
}

export GUEST_FIO=1
blkback_start --persistent
trial pv
trial pvh
