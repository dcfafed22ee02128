#!/bin/bash
# SPDX-License-Identifier: MIT
# A domain's number that comes back at once: whoever has it now gets nothing of its predecessor's, neither its journal nor
# its connection, its grants nor its worker, however that one ended.
export XLOOP_DOMIDS=3
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 29

blkback_start
guest_create other "vdev=xvda,target=$(image other.img 16M)" >/dev/null
is "$(domid_of other)" 1 "of three numbers one is another guest's"
neighbour_start other
old=$(image old.img 8M)
new=$(image new.img 8M)
for how in destroyed killed "killed with its worker" "as blkback is away"; do
	guest_create a "vdev=xvda,target=$old" >/dev/null
	domid=$(domid_of a)
	is "$domid" 2 "$how: the guest has number 2"
	xloop exec a -- blkload --dev=xvda --rw=randwrite --verify --qd=32 --runtime=60 >/dev/null 2>&1 &
	load=$!
	vbd_state 2 51712 4
	worker=$(worker_of 2)
	case $how in
	killed*)
		kill -9 $load
		[ "$how" = killed ] || kill -9 "$worker"
		;;
	as*)
		kill -9 "$BLKBACK_PID" "$worker"
		wait "$BLKBACK_PID" 2>/dev/null
		;;
	esac
	# Not as a toolstack does it: no state is written, no answer waited for.
	case $how in
	as*) xenstore-rm "$BE/2" ;;
	esac
	xloop destroy a >/dev/null 2>&1
	wait $load 2>/dev/null
	[ "$how" != "as blkback is away" ] || blkback_start
	sum=$(sha256sum <"$new")
	guest_create b "vdev=xvda,target=$new" >/dev/null
	is "$(domid_of b)" 2 "  so has the next one, at once"
	is "$(xenstore-read "$BE/2/51712/state")" 2 "  whose disk is not connected by itself"
	is "$(sha256sum <"$new")" "$sum" "  nor written"
	ok "  it connects and works" xloop exec b -- blkload --dev=xvda --rw=randrw --verify --qd=8 --ios=1000
	ok "  the old image is free" wait_for 5 flock -n -x "$old" true
	xloop destroy b >/dev/null 2>&1
done
is "$(find "$HALFBACK_RUN_DIR" -name 'blkback-2-*')" "" "nothing of number 2 is left"
is "$(log_count 'panic|signal 6|signal 11')" 0 "nobody crashed"
is "$(xenstore-ls -f | grep -c /error/)" 0 "no error is in the store"
ok "another guest's disk worked all the time" neighbour_well other
