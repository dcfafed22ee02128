#!/bin/bash
# SPDX-License-Identifier: MIT
#
# backendtype=qdisk: Debian's QEMU serves a guest's disk on the embedded Xen, unmodified.

. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 7

img=$(image disk 16M)
ok "a guest with a disk of QEMU's is created" guest_create g "vdev=xvda,backendtype=qdisk,target=$img"
domid=$(domid_of g)
is "$(xenstore-read "/local/domain/0/backend/qdisk/$domid/51712/params")" "aio:$img" "libxl's nodes are written"
qemu=$(xenstore-read "/local/domain/$domid/image/device-model-pid")
ok "QEMU serves it, and the data is right" \
	xloop exec g -- blkload --dev=xvda --rw=randwrite --bs=4k --qd=8 --verify
not_ok "the image holds what was written" cmp -s -n 16777216 "$img" /dev/zero
ok "another such disk can be attached" xloop block-attach g "vdev=xvdb,backendtype=qdisk,target=$img"
ok "the guest is destroyed" xloop destroy g
ok "its QEMU is gone" is_gone "$qemu"
test_end
