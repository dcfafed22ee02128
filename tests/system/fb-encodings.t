#!/bin/bash
# SPDX-License-Identifier: MIT
# A viewer made of libvncclient sees the same with each encoding that both libraries have, of a confined worker.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 10

pvfb_start
screen_create g 'vnc=1'
wait_node $VKBD/1/0/state 2
play_start g --size=1024x768
worker=$(worker_of 1)
play g dump "$WORK/g.ppm"
sees_it() { # ENCODINGS
	"$BUILD/tests/vncshot" "$(port_of g)" "$1" "$WORK/shot.ppm" && cmp "$WORK/g.ppm" "$WORK/shot.ppm"
}
for encoding in raw hextile rre corre zlib zrle tight ultra; do
	ok "$encoding" sees_it "$encoding"
done
is "$(worker_of 1)" "$worker" "all by one worker"
ok "its viewer can save it" "$BUILD/tests/vncshot" "$(port_of g)" "tight zrle hextile raw" "$WORK/shot.png"
play_end g
