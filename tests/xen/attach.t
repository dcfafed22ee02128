#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Twenty times a disk is attached, used and detached, while another disk of the guest is verified.

. "$(dirname "$0")/lib.sh"
xen_test 7
export GUEST_FIO=1
times=20
disk=$(image second 8M)

once() { # ROUND
	xl block-attach g "format=raw,script=block-halfback,vdev=xvdb,access=rw,target=$disk" || return 1
	guest_writes g xvdb "$disk" "round $1" || return 1
	xl block-detach g xvdb
}

blkback_start
ok "a guest is created" guest_create g pv "vdev=xvda,access=rw,target=$(image disk 32M)"
ok "verified I/O runs on its first disk" guest_load g --runtime=30
grants=$(grants_of "$(xl domid g)")
like "$grants" '^[1-9]' "which dom0 has mapped grants for"
ok "a second disk comes and goes $times times" rounds $times once
is "$(grants_of "$(xl domid g)")" "$grants" "no grant of it is mapped any more"
is "$(xl block-list g | awk 'NR > 1 { print $1 }')" 51712 "xl block-list shows the first disk only"
ok "and the first disk never failed" guest_load_end g
