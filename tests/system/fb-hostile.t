#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that says nonsense of its screen loses that screen, with one sentence, and nobody else's; what can be ignored is
# ignored.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 42

pvfb_start
screen_create other 'vnc=1'
wait_node $VFB/1/0/state 2
play_start other
neighbour=$(worker_of 1)
screen_create g 'vnc=1,videoram=4'
wait_node $VKBD/2/0/state 2

refused() { # SENTENCE FBPLAY-OPTION...
	local want=$1
	shift
	not_ok "refused: $*" timeout 15 xloop exec g -- fbplay --no-keyboard "$@"
	like "$(vfb_error 2)" "$want" "  with a sentence"
}
refused "no frame" --key=page-ref=
refused "no frame" --key=page-ref=99999999999999999999
refused "no frame" --key=page-ref=-1
refused "no page of the guest's" --key=page-ref=4000000000
refused "no event channel" --key=event-channel=4294967295
refused "none that it has for us" --key=event-channel=999
refused "protocol" --key=protocol=arm-abi
refused "directory is none of the guest's" --bad-directory=1
refused "none of the guest's" --bad-frame=100
refused "larger than" --bytes=$((4 << 20 | 1))
refused "depth" --depth=15 --bytes=65536
refused "not longer than nothing" --size=0x600 --bytes=65536
refused "width or height" --size=800x0 --bytes=65536
refused "longer than all" --size=800x1 --bytes=100

# What a connected one may say.
closes() { # SENTENCE COMMAND...
	local want=$1
	shift
	play_start g --no-keyboard
	echo "$*" >"$WORK/g.in"
	ok "$*: its screen closes" wait_for 10 node_is $VFB/2/0/state 6
	like "$(vfb_error 2)" "$want" "  with a sentence"
	play_end g
}
closes "more events than slots" lie 52
closes "more events than slots" lie -1
closes "fbif.h does not have" event 1
closes "fbif.h does not have" event 255
play_start g --no-keyboard
for n in 2147483647 -2147483648 -1 0 1 4096; do
	for m in 2147483647 -2147483648 0; do
		play g update $n $m $n $m
		play g update $m $n 2147483647 2147483647
		play g resize $n $m 3200 32 0
		play g resize 800 600 $n 32 $m
		play g resize 800 600 3200 $n 0
	done
done
play g resize 800 600 3200 32 0
ok "UPDATE and RESIZE at all limits leave it as it is" same_picture g
is "$(xenstore-read $VFB/2/0/state)" 4 "and connected"
play_end g
ok "the other guest's screen was there all the time" same_picture other
is "$(worker_of 1)" "$neighbour" "with the worker that it had"
ok "with few lines in the log" [ "$(grep -c "guest 2: \|vfb 0: asked" "$XLOOP_DIR/pvfb.log")" -lt 60 ]
is "$(log_count "ended by signal|ended with status")" 0 "no worker died"
play_end other
