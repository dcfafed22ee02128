#!/bin/bash
# SPDX-License-Identifier: MIT
# What a viewer types and points at arrives in its guest: by symbols in any layout, by scancodes in none, and the pointer
# in each of the ways that a guest may ask for.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 14

told_is() { # NAME WANT
	[ "$(told "$1")" = "$2" ]
}
arrives() { # NAME WANT DESCRIPTION
	wait_for 5 told_is "$1" "$2"
	is "$(told "$1")" "$2" "$3"
}
again() { # FBPLAY-OPTION...
	play_end g
	play_start g "$@"
}

pvfb_start
screen_create g 'vnc=1'
wait_node $VKBD/1/0/state 2
is "$(xenstore-read $VKBD/1/0/feature-abs-pointer $VKBD/1/0/feature-raw-pointer | xargs)" "1 1" \
	"positions are offered when the guest's driver looks"
play_start g
viewer g type aB1 size >/dev/null
arrives g "key 30 down key 30 up key 42 down key 48 down key 42 up key 48 up key 2 down key 2 up" \
	"text arrives, with Shift where it takes it"
again
viewer g scan 0x1e down scan 0x1e up scan 0xc8 down scan 0xc8 up size >/dev/null
arrives g "key 30 down key 30 up key 103 down key 103 up" "scancodes arrive as keys"
again
viewer g key 0xffe1 down key 0x61 down sleep 0.3 >/dev/null
arrives g "key 42 down key 42 up key 30 down key 42 down key 30 up key 42 up" \
	"what a viewer holds as it goes is let go"
again
viewer g move 100 200 0 move 100 200 1 move 799 599 1 move 799 599 0 size >/dev/null
arrives g "pos 100 200 0 key 272 down pos 799 599 0 key 272 up" "the pointer is where it is in the picture"
again
viewer g move 5 5 8 move 5 5 0 move 5 5 16 move 5 5 0 size >/dev/null
arrives g "pos 5 5 0 pos 5 5 -1 pos 5 5 1" "its wheel turns"
again --raw
viewer g move 799 0 0 move 0 599 0 size >/dev/null
arrives g "pos 32767 0 0 pos 0 32767 0" "a guest may want positions of the whole axis"
again --relative
viewer g move 10 20 0 move 5 30 4 size >/dev/null
arrives g "motion 10 20 0 motion -5 10 0 key 273 down key 273 up" "or motions"
again
kill -STOP "${PLAY[g]}"
viewer g type "$(printf 'a%.0s' {1..60})" size >/dev/null
kill -CONT "${PLAY[g]}"
count_is() {
	[ "$(grep -c '^key 30' "$WORK/g.out")" -eq "$1" ]
}
ok "a guest that did not look for a while finds 120 events on a ring of 51" wait_for 5 count_is 120
kill -STOP "${PLAY[g]}"
viewer g type "$(printf 'b%.0s' {1..2000})" size >/dev/null
kill -CONT "${PLAY[g]}"
ok "one that slept too long has lost some" wait_for 5 grep -q "^key 48" "$WORK/g.out"
viewer g type c size >/dev/null
ok "  and hears what comes then" wait_for 5 grep -q "^key 46 up" "$WORK/g.out"
again --index=4294967280
ok "a ring whose indices are about to wrap works" same_picture g
play_end g
blkback_stop
pvfb_start --keymap=de
xloop destroy g
screen_create h 'vnc=1'
wait_node $VKBD/2/0/state 2
play_start h
viewer h type 'y@' size >/dev/null
arrives h "key 44 down key 44 up key 100 down key 16 down key 100 up key 16 up" "another layout is another keyboard"
play_end h
not_ok "a layout that is none is told at once" pvfb --keymap=klingon
