#!/bin/bash
# SPDX-License-Identifier: MIT
# A wrong image: the attach fails with blkback's sentence, nothing of it is left, and other disks do not notice.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 26

blkback_start
guest_create g "vdev=xvda,target=$(image good.img 1M)" >/dev/null
mkdir "$WORK/a directory"
mkfifo "$WORK/fifo"
truncate -s 1000 "$WORK/odd.img"
: >"$WORK/empty.img"
before=$(xenstore-ls -f | grep -v '/xvda/' | sed 's/ = .*//')

refused() { # IMAGE REGEX WHAT
	local out rc start
	start=$(date +%s%N)
	out=$(xloop block-attach g "format=raw,vdev=xvdb,access=rw,target=$1" 2>&1)
	rc=$?
	is "$rc" 1 "$3 is refused" || diag "$out"
	like "$out" "$2" "and the sentence says why"
	ok "soon, without running into libxl's time limits" [ $((($(date +%s%N) - start) / 1000000)) -lt 5000 ]
	is "$(xenstore-ls -f | grep -v '/xvda/' | sed 's/ = .*//')" "$before" "and no node is left"
}

refused "$WORK/none.img" "none.img.*No such file" "an image that is not there"
refused "$WORK/a directory" "a directory" "a directory"
refused "$WORK/fifo" "fifo" "a FIFO"
refused "$WORK/odd.img" "odd.img.*512" "an image whose size is no multiple of 512"
refused "$WORK/empty.img" "empty.img" "an empty image"

out=$(guest_create h "vdev=xvda,target=$WORK/none.img" 2>&1)
is $? 1 "a guest whose disk has a wrong image is not created"
like "$out" "none.img.*No such file" "and the sentence says why"
is "$(xloop list | grep -c '^h ')" 0 "and it is not in the list"

ok "the good disk works" xloop exec g -- blkload --dev=xvda --rw=randwrite --verify --ios=64
ok "a good image is taken where a wrong one was" xloop block-attach g "vdev=xvdb,target=$(image later.img 1M)"
ok "and works" xloop exec g -- blkload --dev=xvdb --rw=randwrite --verify --ios=64
