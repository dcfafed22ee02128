#!/bin/bash
# SPDX-License-Identifier: MIT
# What a screen's worker has given up before it maps anything of its guest.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 15

pvfb_start
screen_create g 'vnc=1'
screen_create h 'vnc=1'
wait_node $VKBD/1/0/state 2
wait_node $VKBD/2/0/state 2
play_start g
play_start h
pid=$(worker_of 1)
status() {
	awk -v key="$1:" '$1 == key { $1 = ""; sub(/^ /, ""); print }' "/proc/$pid/status"
}
uid=$((0x68660000 + 1))
is "$(status Uid)" "$uid $uid $uid $uid" "it runs as a user of its own"
is "$(awk '$1 == "Uid:" { print $2 }' "/proc/$(worker_of 2)/status")" $((uid + 1)) "each guest's worker as another"
is "$(status CapEff) $(status CapBnd)" "0000000000000000 0000000000000000" "it has no capabilities"
is "$(status NoNewPrivs)" 1 "it can't gain privileges"
is "$(status Seccomp) $(status Seccomp_filters)" "2 1" "it has a filter of system calls"
is "$(find "/proc/$pid/root/" 2>/dev/null | wc -l)" 1 "its root is empty"
for ns in net mnt ipc uts; do
	[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink /proc/self/ns/$ns)" ]
	tap_result $? "its $ns namespace is its own"
done
opened=$(for fd in "/proc/$pid/fd/"*; do readlink "$fd"; done |
	grep -vE "^(/dev/null|pipe:|socket:|anon_inode:\[(io_uring|eventfd|eventpoll)\]|/memfd:dom|/memfd:pvfb-tape|$XLOOP_DIR/pvfb.log)" | xargs)
is "$opened" "" "nothing else is open: no password, no file but the tape in memory"
is "$(log_count "event channels are restricted to guest 1")" 1 "its event channels are its guest's"
is "$(log_count "can't restrict")" 0 "and so are its maps"
ok "it shows what its guest draws" same_picture g
play_end g
play_end h
blkback_stop
xloop destroy g
pvfb_start --no-io-uring
screen_create i 'vnc=1'
wait_node $VKBD/3/0/state 2
play_start i
ok "with epoll as with io_uring" same_picture i
play_end i
