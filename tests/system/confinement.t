#!/bin/bash
# SPDX-License-Identifier: MIT
# What a worker has given up before it serves its guest.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 23

# Started with groups that it must give up.
setpriv --groups=4,27 "$BUILD/blkback" >>"$XLOOP_DIR/blkback.log" 2>&1 &
BLKBACK_PID=$!
img=$(image a.img 1M)
xloop create "$(guest_config g "vdev=xvda,target=$img")" >/dev/null
xloop create "$(guest_config h "vdev=xvda,target=null:1G")" >/dev/null
for guest in g h; do
	xloop exec $guest -- blkload --dev=xvda --hold >"$WORK/$guest" 2>&1 &
	wait_for 10 grep -q connected "$WORK/$guest"
done
pid=$(worker_of 1)
other=$(worker_of 2)

status() {
	awk -v key="$1:" '$1 == key { $1 = ""; sub(/^ /, ""); print }' "/proc/$pid/status"
}
uid=$((0x68620000 + 1))
is "$(status Uid)" "$uid $uid $uid $uid" "it runs as a user of its own"
is "$(status Gid)" "$uid $uid $uid $uid" "and a group of its own"
is "$(awk '$1 == "Uid:" { print $2 }' "/proc/$other/status")" $((uid + 1)) "each guest's worker as another"
is "$(status Groups)" "" "it is in no other group"
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
	is "$(status $set)" 0000000000000000 "$set is empty"
done
is "$(status NoNewPrivs)" 1 "it can't gain privileges"
is "$(status Seccomp) $(status Seccomp_filters)" "2 1" "it has a filter of system calls"
is "$(stat -c %U "/proc/$pid/maps")" root "its memory is nobody's to look at"
is "$(find "/proc/$pid/root/" 2>/dev/null | wc -l)" 1 "its root is empty"
is "$(readlink "/proc/$pid/cwd")" "$(readlink "/proc/$pid/root")" "where it also works"
like "$(findmnt -nN "$pid" -o OPTIONS / 2>/dev/null)" "^ro," "which can't be written"
for ns in net mnt ipc uts; do
	[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink /proc/self/ns/$ns)" ]
	tap_result $? "its $ns namespace is its own"
done
is "$(awk '/^Max core file size/ { print $5 $6 }' "/proc/$pid/limits")" 00 "it leaves no core image of a guest's data"
is "$(awk '/^Max open files/ { print $4, $5 }' "/proc/$pid/limits")" "4096 4096" "it may have so many files"
is "$(awk '/^Max processes/ { print $3, $4 }' "/proc/$pid/limits")" "4096 4096" "and so many threads"

# Nothing is open but what it needs: log, channel, its image, io_uring, event channels and grants.
opened=$(for fd in "/proc/$pid/fd/"*; do readlink "$fd"; done |
	grep -vE "^(/dev/null|pipe:|socket:|anon_inode:\[(io_uring|eventfd|eventpoll)\]|/memfd:|$XLOOP_DIR/blkback.log|$img)" | xargs)
is "$opened" "" "nothing else is open"
