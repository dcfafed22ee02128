#!/bin/bash
# SPDX-License-Identifier: MIT
# A screen whose worker, whose supervisor or both are killed, or upgraded, goes on: its guest sees state 4 and draws, viewers find it at
# the same port and with the same size, and a key that was down is let go.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 36

states() {
	xenstore-read {$VFB,$VKBD}/1/0/state /local/domain/1/device/{vfb,vkbd}/0/state | xargs
}
told_has() {
	[[ " $(told g) " == *" $1 "* ]]
}
is_back() { # another worker than $worker, and it listens
	[ "$(worker_of 1)" != "$worker" ] && viewer g size
}
goes_on() { # DESCRIPTION
	is "$(states)" "4 4 4 4" "$1: all states stay 4"
	ok "  a viewer finds it at its port" wait_for 10 is_back
	is "$(port_of g) $(viewer g size)" "5907 320 200" "  which is the same, and so is its size"
	ok "  the picture is right" same_picture g
	play g fill 10 10 50 50 "$2"
	ok "  what its guest draws now is seen" same_picture g
	viewer g type x >/dev/null
	ok "  keys arrive" wait_for 5 told_has "key 45 up"
	is "$(vfb_error 1)$(vfb_error 1 vkbd)" "" "  no error is in the store"
}

# A sanitizer would make an exit of SIGSEGV.
export ASAN_OPTIONS=$ASAN_OPTIONS:handle_segv=0 TSAN_OPTIONS=$TSAN_OPTIONS:handle_segv=0
pvfb_start
screen_create g 'vnc=1,vncdisplay=7,vncpasswd='
wait_node $VKBD/1/0/state 2
play_start g
play g resize 320 200 3200 32 640
viewer g key 0x61 down sleep 100 >/dev/null &
looks=$!
wait_for 5 told_has "key 30 down"
worker=$(worker_of 1)
kill -9 "$worker"
kill $looks
ok "a key that was down when its worker was killed is let go" wait_for 5 told_has "key 30 up"
goes_on "its worker is killed" ff0000
worker=$(worker_of 1)
kill -9 "$PVFB_PID"
wait "$PVFB_PID" 2>/dev/null
ok "its supervisor is killed, and the worker ends" wait_for 5 is_gone "$worker"
pvfb_start
goes_on "another supervisor comes" 00ff00
worker=$(worker_of 1)
kill -STOP "$worker"
kill -9 "$PVFB_PID" "$worker"
wait "$PVFB_PID" 2>/dev/null
play g fill 0 0 30 30 123456
pvfb_start
goes_on "both are killed at once, and the guest draws meanwhile" 0000ff
worker=$(worker_of 1)
daemon=$PVFB_PID
is "$(halfback upgrade --all 2>&1)" "2 devices of all guests go on with the new program" "all are upgraded"
is "$(cat "$HALFBACK_RUN_DIR/pvfb.pid")" "$daemon" "  the daemon has the process that it had"
goes_on "after the upgrade" ffff00
blkback_stop
is "$(states)" "4 4 4 4" "a supervisor that is stopped leaves its screens"
pvfb_start
worker=
wait_for 10 is_back
ok "to the next one" same_picture g
kill -SEGV "$(worker_of 1)"
ok "a worker that crashes is replaced" wait_for 10 same_picture g
play_end g
is "$(ls "$HALFBACK_RUN_DIR")" "pvfb.pid" "a closed screen leaves no file"
