#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest's screen on a VNC server: its viewers see each pixel that it shows, in each depth and both ABIs, and only what
# changed is sent.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 23

pvfb_start
ok "a guest with vfb=['vnc=1'] is created" screen_create g
wait_node $VFB/1/0/state 2
play_start g
is $? 0 "its screen is connected"
like "$(cat "$WORK/g.out")" "request-update 1" "it is asked to tell what it draws"
is "$(xenstore-read /local/domain/1/console/vnc-port /local/domain/1/console/vnc-listen | xargs)" "5900 127.0.0.1" \
	"the toolstack is told where"
is "$(xenstore-read $VFB/1/0/state $VKBD/1/0/state | xargs)" "4 4" "both devices are connected"
is "$(viewer g size name)" "$(printf '800 600\ng (domain 1)')" "a viewer sees its size and its name"
ok "and each of its pixels" same_picture g
play g fill 100 100 16 16 ff8000
ok "what it draws then, too" same_picture g
viewer g shot "$WORK/x.ppm" next 5 next 0.5 >"$WORK/next" &
looks=$!
wait_for 5 test -s "$WORK/x.ppm"
sleep 0.2
play g fill 300 300 16 16 00ff00
wait $looks
is "$(cat "$WORK/next")" "$(printf '%s\n' $((4 + 12 + 4 * 256)) none)" "a change of 16x16 is sent as that, and then nothing"
play g resize 640 480 3200 32 12800
ok "a screen that becomes smaller is seen so" same_picture g
is "$(viewer g size)" "640 480" "with its new size"
viewer g shot "$WORK/x.ppm" resized 320x200 size sleep 1 shot "$WORK/resized.ppm" >"$WORK/resized" &
looks=$!
sleep 0.3
play g resize 320 200 3200 32 0
wait $looks
is "$(cat "$WORK/resized")" "320 200" "a viewer that looks meanwhile is told"
play g dump "$WORK/g.ppm"
ok "and sees all of it" cmp "$WORK/g.ppm" "$WORK/resized.ppm"
viewer g shot "$WORK/a.ppm" sleep 2 &
looks=$!
ok "two may look at once" same_picture g
wait $looks
play_end g
is $? 0 "it closes in order"
for how in "--depth=8" "--depth=16" "--depth=24 --size=801x601" "--abi=32 --size=1024x768 --bytes=16777216" "--size=1x1"; do
	# shellcheck disable=SC2086 # options
	play_start g $how
	ok "with $how" same_picture g
	play_end g
done
play_start g
SCREEN_MEMORY=256
ok "a guest with more memory" screen_create big "vnc=1,videoram=246"
wait_node $VFB/2/0/state 2
play_start big --bytes=$((30 << 20)) --size=2560x1600
ok "has a larger screen" same_picture big
is "$(port_of big)" 5901 "on the next port"
play_end big
play_end g
