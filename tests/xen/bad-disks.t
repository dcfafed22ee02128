#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A disk that can't be served: xl shows blkback's own sentence, and the next correct xl create works.

. "$(dirname "$0")/lib.sh"
xen_test 13
blkback_start
mkdir "$WORK/dir" "$WORK/small"
truncate -s 1000 "$WORK/odd"
good=$(image good 8M)

refused() { # REGEX WHAT DISK
	local out rc config
	config=$(guest_config bad pv "$3")
	out=$(xl create "$config" 2>&1)
	rc=$?
	ok "$2 is refused" [ $rc -ne 0 ]
	like "$out" "$1" "and xl says why"
}

refused "none can't be opened for writing: No such file" "an image that is not there" "vdev=xvda,access=rw,target=$WORK/none"
refused "dir can't be opened for writing: Is a directory" "a directory" "vdev=xvda,access=rw,target=$WORK/dir"
refused "odd.*512" "an image of no whole sectors" "vdev=xvda,access=rw,target=$WORK/odd"
refused "unknown value|invalid|rror" "a specification that is none" "vdev=nonsense,access=rw,target=$good"
ok "a correct guest is created" guest_create first pv "vdev=xvda,access=rw,target=$good"
refused "good is in use by guest first" "an image that a running guest uses" "vdev=xvda,access=rw,target=$good"
ok "the first guest has not noticed" guest_run first 'dd if=/dev/xvda of=/dev/xvda bs=64k count=8 conv=fsync 2>/dev/null'
mount -t tmpfs -o size=64k none "$WORK/small"
truncate -s 8M "$WORK/small/full"
xl block-attach first "format=raw,script=block-halfback,vdev=xvdb,access=rw,target=$WORK/small/full"
not_ok "what a full filesystem can't take is an error to the guest" guest_run first \
	'dd if=/dev/zero of=/dev/xvdb bs=64k count=32 conv=fsync'
xl block-detach first xvdb
wait_for 10 umount "$WORK/small"
