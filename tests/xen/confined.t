#!/bin/bash
# SPDX-License-Identifier: MIT
#
# On a real kernel a worker is as confined as on the embedded Xen, and serves its guest so.

. "$(dirname "$0")/lib.sh"
xen_test 16
export GUEST_FIO=1
# The worker tries what a captured one might (tests/preload/captured.c), and says what came of it.
CAPTURED=ports,op-open LD_PRELOAD=$BUILD/captured.so blkback_start --queues=2
ok "a guest is created" guest_create g pv "vdev=xvda,access=rw,target=$(image disk 8M)"
domid=$(xl domid g)
worker=$(pgrep -f "^blkback: dom $domid ")
field() {
	awk -v key="$1:" '$1 == key { print $2 }' "/proc/$worker/status"
}
gave() {
	blkback_log | awk -v what="$1" '$1 == "captured:" && $2 == what { print $4 }' | sort -u
}

is "$(field Uid)" $((0x68620000 + domid)) "its worker has a user of its own"
is "$(field CapEff) $(field CapPrm)" "0000000000000000 0000000000000000" "no capability"
is "$(field NoNewPrivs)" 1 "no way to get one"
is "$(field Seccomp)" 2 "a filter of system calls"
is "$(find "/proc/$worker/root/" | wc -l)" 1 "an empty root"
is "$(stat -Lc %i "/proc/$worker/ns/net" "/proc/self/ns/net" | uniq | wc -l)" 2 "a network of its own"
like "$(find "/proc/$worker/fd" -type l -printf '%l\n' | sort | xargs)" "/dev/xen/evtchn /dev/xen/gntdev" "the two devices of Xen"
like "$(blkback_log)" "event channels are restricted to guest $domid" "which are its guest's only"
is "$(gave ports)" -13 "all of its handles: another guest's port is refused"
is "$(gave op-open)" -13 "its io_uring opens no file"
ok "the guest's I/O goes its way" guest_load g
ok "  and is right" guest_load_end g
is "$(pgrep -f "^blkback: dom $domid ")" "$worker" "  and none of it was forbidden"
xl destroy g
blkback_stop

# The embedded Xen's libraries need sendmsg; Xen's do not.
CAPTURED=sendmsg LD_PRELOAD=$BUILD/captured.so blkback_start
xl create "$(guest_config h pv "vdev=xvda,access=rw,target=$(image disk 8M)")"
ok "a worker that would send descriptors" wait_for 60 eval 'blkback_log | grep -q "ended by signal 31"'
like "$(blkback_log)" "made a system call that its filter forbids" "  is killed for it"
