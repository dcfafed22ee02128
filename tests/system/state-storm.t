#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that writes states as fast as the store takes them, with I/O under way (XSA-349, XSA-350): blkback stays
# small, loses nothing, and another guest's disk works on.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 11

blkback_start
img=$(image storm.img 16M)
xloop create "$(guest_config g "vdev=xvda,target=$img" "vdev=xvdb,target=null:1G")" >/dev/null
xloop create "$(guest_config other "vdev=xvda,target=$(image other.img 16M)")" >/dev/null
neighbour_start other
ok "the disk works before" xloop exec g -- blkload --dev=xvda --ios=100
before=$(vbd_census)
rss=$(rss_kib "$BLKBACK_PID")

xloop exec g -- "$BUILD/tests/blkstorm" xvda 3 11 >"$WORK/storm1" 2>"$WORK/storm.err" &
one=$!
xloop exec g -- "$BUILD/tests/blkstorm" xvdb 3 12 >"$WORK/storm2" 2>>"$WORK/storm.err" &
two=$!
most=0
while kill -0 $one 2>/dev/null; do
	now=$(rss_kib "$BLKBACK_PID")
	[ "$now" -gt "$most" ] && most=$now
	read -rt 0.1 <> <(:) || :
done
wait $one
is $? 0 "a storm on one disk"
wait $two
is $? 0 "and on another of the same guest"
like "$(cat "$WORK/storm1")" "^[0-9]{4,}$" "thousands of states were written ($(cat "$WORK/storm1" "$WORK/storm2" | xargs))"
# A sanitizer keeps what was freed for a while; even so there is a bound.
case $BUILD in */asan | */tsan) bound=64 ;; *) bound=8 ;; esac
ok "the supervisor grew by less than $bound MiB ($rss to $most KiB)" [ "$most" -lt $((rss + bound * 1024)) ]
ok "it closes at last" vbd_state 1 51712 6
ok "the disk works afterwards" xloop exec g -- blkload --dev=xvda --rw=randwrite --verify --ios=500
ok "so does the other one" xloop exec g -- blkload --dev=xvdb --ios=500
is "$(vbd_census)" "$before" "no fd, map, port or grant is left"
ok "the log is short ($(wc -l <"$XLOOP_DIR/blkback.log") lines)" [ "$(grep -c warning "$XLOOP_DIR/blkback.log")" -lt 40 ]
ok "another guest's disk worked all the time" neighbour_well other
