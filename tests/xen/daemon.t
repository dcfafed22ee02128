#!/bin/bash
# SPDX-License-Identifier: MIT
#
# blkback absent, stopped, started again: xl fails in its own time and works at the second try; a guest that was
# being served goes on with the next blkback.

. "$(dirname "$0")/lib.sh"
xen_test 11
export GUEST_FIO=1
disk=$(image disk 32M)
config=$(guest_config g pv "vdev=xvda,access=rw,target=$disk")
start=$SECONDS
out=$(xl create "$config" 2>&1)
ok "without blkback xl create fails" [ $? -ne 0 ]
ok "within 40 seconds" [ $((SECONDS - start)) -lt 40 ]
like "$out" "unable to add disk devices" "and says that it was the disk"
ok "no domain is left" only_dom0
blkback_start
ok "with blkback the second try works" guest_create g pv "vdev=xvda,access=rw,target=$disk"
ok "xl destroys the guest" xl destroy g
wait_for 10 no_workers
blkback_stop
is $? 0 "blkback ends while no guest runs"
blkback_start
ok "and the next one serves a new guest" guest_create g pv "vdev=xvda,access=rw,target=$disk"
ok "verified I/O runs" guest_load g --runtime=15
blkback_stop
is $? 0 "blkback is stopped in the middle of it and started again"
blkback_start
ok "and all I/O is verified" guest_load_end g
