#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Two guests at once, one of them with two disks and two virtual CPUs; xl tells the truth about the disks.

. "$(dirname "$0")/lib.sh"
xen_test 8
export GUEST_FIO=1
blkback_start
GUEST_VCPUS=2 ok "a guest with two disks and two CPUs is created" guest_create one pv \
	"vdev=xvda,access=rw,target=$(image a 32M)" "vdev=xvdb,access=rw,target=$(image b 32M)"
ok "and another guest" guest_create two pv "vdev=xvda,access=rw,target=$(image c 32M)"
be=/local/domain/0/backend/vbd
is "$(xl block-list one | awk 'NR > 1 { print $1, $4, $7 }' | xargs)" "51712 4 $be/$(xl domid one)/51712 51728 4 $be/$(xl domid one)/51728" \
	"xl block-list shows both disks connected"
is "$(pgrep -fc '^blkback: dom')" 2 "each guest has a worker of its own"
ok "verified I/O starts in the second guest" guest_load two --runtime=15
ok "verified I/O on both disks of the first, from both CPUs" guest_run one "fio --ioengine=libaio --direct=1
	--verify=crc32c --verify_fatal=1 --rw=randwrite --bs=16k --iodepth=8 --size=8m
	--name=a --filename=/dev/xvda --cpus_allowed=0 --name=b --filename=/dev/xvdb --cpus_allowed=1"
ok "and that of the second guest verified too" guest_load_end two
ok "the images differ where the guests wrote" test -z "$(cmp -s "$WORK/a" "$WORK/c" && echo same)"
