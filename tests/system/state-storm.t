#!/bin/bash
# SPDX-License-Identifier: MIT
# Guests that write random states as fast as the store takes them, 10,000 and more, with I/O under way (XSA-349, XSA-350):
# blkback stays small, loses nothing, and another guest's disk works on.
TEST_TIMEOUT=240
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 14

blkback_start
for guest in one two; do
	guest_create $guest "vdev=xvda,target=$(image $guest.img 16M)" "vdev=xvdb,target=null:1G" >/dev/null
done
guest_create other "vdev=xvda,target=$(image other.img 16M)" >/dev/null
neighbour_start other
for guest in one two; do
	ok "the disk of guest $guest works before" xloop exec $guest -- blkload --dev=xvda --ios=100
done
before=$(vbd_census)
rss=$(rss_kib "$BLKBACK_PID")

# Four disks of two guests at once: what one writes costs it a round trip to the store, in which it does nothing else.
began=${EPOCHREALTIME/./}
storms=()
for seed in 11 12 13 14; do
	guest=one
	[ $seed -gt 12 ] && guest=two
	disk=xvda
	[ $((seed % 2)) -eq 0 ] && disk=xvdb
	xloop exec $guest -- "$BUILD/tests/blkstorm" $disk 2600x $seed >"$WORK/storm$seed" 2>>"$WORK/storm.err" &
	storms+=($!)
done
most=0
while kill -0 "${storms[@]}" 2>/dev/null; do
	now=$(rss_kib "$BLKBACK_PID")
	[ "$now" -gt "$most" ] && most=$now
	read -rt 0.1 <> <(:) || :
done
rc=0
for pid in "${storms[@]}"; do
	wait "$pid" || rc=1
done
is $rc 0 "storms on two disks each of two guests"
took=$(((${EPOCHREALTIME/./} - began) / 100000))
written=$(($(cat "$WORK"/storm1? | paste -sd+)))
ok "$written random states were written in $((took / 10)).$((took % 10)) s" [ $written -ge 10000 ]
# A sanitizer keeps what was freed for a while; even so there is a bound.
case $BUILD in */asan | */tsan) bound=64 ;; *) bound=8 ;; esac
ok "the supervisor grew by less than $bound MiB ($rss to $most KiB)" [ "$most" -lt $((rss + bound * 1024)) ]
for domid in 1 2; do
	for vdev in 51712 51728; do
		ok "disk $vdev of guest $domid closes at last" vbd_state $domid $vdev 6
	done
done
ok "a disk works afterwards" xloop exec one -- blkload --dev=xvda --rw=randwrite --verify --ios=500
ok "so does another one" xloop exec two -- blkload --dev=xvdb --ios=500
is "$(vbd_census)" "$before" "no fd, map, port or grant is left"
ok "the log is short ($(wc -l <"$XLOOP_DIR/blkback.log") lines)" [ "$(grep -c warning "$XLOOP_DIR/blkback.log")" -lt $((40 + SECONDS)) ]
ok "another guest's disk worked all the time" neighbour_well other
