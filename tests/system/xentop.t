#!/bin/bash
# SPDX-License-Identifier: MIT
# What xentop of Xen 4.19 reads of a vbd3 disk: the file that kthread-pid leads to, one struct vbd3_stats of version 1.
# Debian's xentop knows no vbd3, so the bytes are read here the way libxenstat does.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 11

blkback_start --queues=2
xloop create "$(guest_config g)" >/dev/null
vbd_make 1 51712 "aio:$(image a.img 16M)"
BE=/local/domain/0/backend/vbd3
vbd_make 1 51728 "aio:$(image b.img 16M)" type=vbd3
stats_file() {
	echo "/dev/shm/td3-$(xenstore-read /local/domain/0/backend/vbd3/1/51728/kthread-pid)/vbd-1-51728"
}
# version, read requests and sectors, write requests and sectors, errors
figures() {
	head -c 96 "$1" | perl -e 'local $/; @f = unpack "LLQ11", <STDIN>; print "@f[0,3,5,7,9,11]"'
}
loaded() {
	grep -q ios "$WORK/out"
}
busy() { # BLKLOAD-OPTION...
	: >"$WORK/out"
	xloop exec g -- blkload --dev=xvdb --json --stay "$@" >"$WORK/out" 2>/dev/null &
	LOADER=$!
	wait_for 10 loaded
}

busy --queues=2 --rw=randread --bs=4k --ios=1000
file=$(stats_file)
ok "a load of reads has run on two queues" loaded
is "$(figures "$file")" "1 1000 8000 0 0 0" "all of them are there"
is "$(stat -Lc %s "$file" | awk '{ print ($1 >= 96) }')" 1 "in a file that is long enough"
kill "$LOADER"
wait "$LOADER"
ok "which goes when the disk closes" wait_for 10 eval "[ ! -e $file ]"
ok "and its directory with it" [ ! -e "${file%/*}" ]
busy --rw=write --bs=16k --ios=100
file=$(stats_file)
ok "a load of writes has run" loaded
is "$(figures "$file")" "1 0 0 100 3200 0" "it is counted anew"
kill "$LOADER"
wait "$LOADER"

mkdir -p "$WORK/elsewhere"
wait_for 10 eval "[ ! -e ${file%/*} ]"
ln -s "$WORK/elsewhere" "${file%/*}"
busy --rw=read --bs=4k --ios=10
ok "with somebody else's directory in the way a disk still works" loaded
is "$(ls "$WORK/elsewhere")" "" "and nothing is put there"
kill "$LOADER"
wait "$LOADER"
rm "${file%/*}"
xloop exec g -- blkload --dev=xvda --rw=read --ios=10 >/dev/null
not_ok "a disk of kind vbd has no such node" xenstore-exists /local/domain/0/backend/vbd/1/51712/kthread-pid
ok "the log names it" [ "$(log_count "xentop will not show it")" -ge 1 ]
