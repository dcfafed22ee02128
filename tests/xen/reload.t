#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest lets go of its disk, unloads blkfront and loads it again: the backend closes with it, and the disk that xl
# detaches and attaches again works.  (Linux' blkfront does not connect a device again that it has closed.)

. "$(dirname "$0")/lib.sh"
xen_test 3
times=20
disk=$(image disk 8M)
spec=format=raw,script=block-halfback,vdev=xvda,access=rw,target=$disk

once() { # ROUND
	local state
	guest_run g 'echo vbd-51712 >/sys/bus/xen/drivers/vbd/unbind && rmmod xen_blkfront' || return 1
	state=/local/domain/0/backend/vbd/$(xl domid g)/51712/state
	wait_node "$state" 6 || return 1
	guest_run g 'insmod /lib/xen-blkfront.ko' || return 1
	xl block-detach g xvda || return 1
	xl block-attach g "$spec" || return 1
	guest_writes g xvda "$disk" "round $1"
}

blkback_start
ok "a guest is created" guest_create g pv "vdev=xvda,access=rw,target=$disk"
ok "its module is unloaded and loaded, its disk comes back, $times times" rounds $times once
is "$(pgrep -fc '^blkback: dom')" 1 "one worker serves it"
