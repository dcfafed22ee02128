#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Pause, save, restore and reboot in the middle of verified I/O.

. "$(dirname "$0")/lib.sh"
xen_test 10
export GUEST_FIO=1 GUEST_MEM=400
disk=$(image disk 32M)
blkback_start
ok "a guest is created" guest_create g pv "vdev=xvda,access=rw,target=$disk"
ok "verified I/O runs" guest_load g --runtime=40
ok "xl pauses it" xl pause g
ok "xl unpauses it" xl unpause g
ok "xl saves it" xl save g "$WORK/saved"
ok "nothing is left meanwhile" wait_for 10 eval 'only_dom0 && no_workers'
ok "xl restores it" xl restore "$WORK/saved"
ok "and the I/O it was at is verified to its end" guest_load_end g
rm -f "$WORK/saved"
ok "xl reboots it" xl reboot g
ok "and it has its disk again" eval 'guest_boot g 2 && guest_run g "dd if=/dev/xvda of=/dev/null bs=64k count=16"'
