#!/bin/bash
# SPDX-License-Identifier: MIT
#
# On a real kernel a worker is as confined as on the embedded Xen.

. "$(dirname "$0")/lib.sh"
xen_test 8
blkback_start
ok "a guest is created" guest_create g pv "vdev=xvda,access=rw,target=$(image disk 8M)"
domid=$(xl domid g)
worker=$(pgrep -f "^blkback: dom $domid ")
field() {
	awk -v key="$1:" '$1 == key { print $2 }' "/proc/$worker/status"
}

is "$(field Uid)" $((0x68620000 + domid)) "its worker has a user of its own"
is "$(field CapEff) $(field CapPrm)" "0000000000000000 0000000000000000" "no capability"
is "$(field NoNewPrivs)" 1 "no way to get one"
is "$(find "/proc/$worker/root/" | wc -l)" 1 "an empty root"
is "$(stat -Lc %i "/proc/$worker/ns/net" "/proc/self/ns/net" | uniq | wc -l)" 2 "a network of its own"
like "$(find "/proc/$worker/fd" -type l -printf '%l\n' | sort | xargs)" "/dev/xen/evtchn /dev/xen/gntdev" "the two devices of Xen"
like "$(blkback_log)" "event channels are restricted to guest $domid" "which are its guest's only"
