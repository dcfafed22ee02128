#!/bin/bash
# SPDX-License-Identifier: MIT
# blkback ends in order and is started again under guests that do verified I/O: the ring is handed over, I/O goes on, the
# guests notice nothing.  Killed without warning it leaves disks that close and connect anew.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 28

blkback_start
for g in g1 g2 g3; do
	xloop create "$(guest_config $g "vdev=xvda,target=$(image $g.img 16M)" "vdev=xvdb,target=null:1G")" >/dev/null
done
start() { # GUEST OPTION...
	local guest=$1
	shift
	xloop exec "$guest" -- blkload --dev=xvda --rw=randrw --verify --runtime=100 --json "$@" >"$WORK/$guest.json" 2>"$WORK/$guest.err" &
	LOADS+=($!)
	wait_for 10 node_is "$BE/$(domid_of "$guest")/51712/state" 4
}
LOADS=()
idle=$(xloop stats --json 0 | jq -c '[.maps, .ports]')
start g1 --qd=32
start g2 --qd=64 --ring-order=4 --bs=16k
start g3 --qd=1 --abi=32
io_goes_on() { # GUEST: requests complete now
	wait_for 10 more_than "$1" "$(xloop stats --json "$1" | jq .to.copy_ops)"
}
more_than() {
	[ "$(xloop stats --json "$1" | jq .to.copy_ops)" -gt "$2" ]
}

for round in 1 2 3; do
	workers=$(pgrep -P "$BLKBACK_PID" | xargs)
	blkback_stop
	is $? 0 "round $round: blkback ends in order"
	for pid in $workers; do
		wait_for 5 is_gone "$pid" || diag "worker $pid is still there"
	done
	is "$(for d in 1 2 3; do xenstore-read $BE/$d/51712/state; done | xargs)" "4 4 4" "  the guests' disks stay Connected"
	is "$(xloop stats --json 0 | jq -c '[.maps, .ports]')" "$idle" "  and nothing of them is mapped"
	blkback_start
	for g in g1 g2 g3; do
		ok "  I/O of $g goes on" io_goes_on $g
	done
	not_ok "  the mark of the handover is taken away" xenstore-exists $BE/1/51712/halfback-handover
done
rc=0
for pid in "${LOADS[@]}"; do
	kill "$pid"
	wait "$pid" || rc=1
done
is $rc 0 "all loads end well"
is "$(jq -c '[.errors, .verify_errors]' "$WORK"/g?.json | xargs)" "[0,0] [0,0] [0,0]" "every block was verified"

# A device that is closing as the signal comes does not keep blkback.
xloop exec g1 -- blkload --dev=xvda --hold >"$WORK/hold" 2>&1 &
hold=$!
wait_for 10 grep -q connected "$WORK/hold"
kill $hold
blkback_stop
is $? 0 "blkback ends in order while a disk closes"
blkback_start
wait $hold
ok "and the disk works afterwards" xloop exec g1 -- blkload --dev=xvda --rw=randwrite --verify --ios=200

# Killed: the rings were not left in order.
xloop exec g1 -- blkload --dev=xvda --rw=randread --qd=8 --runtime=60 >"$WORK/out" 2>&1 &
load=$!
wait_for 10 node_is "$BE/1/51712/state" 4
workers=$(pgrep -P "$BLKBACK_PID" | xargs)
kill -9 "$BLKBACK_PID"
wait "$BLKBACK_PID" 2>/dev/null
for pid in $workers; do
	wait_for 5 is_gone "$pid" || diag "worker $pid is still there"
done
blkback_start
ok "after kill -9 the next blkback closes the disk" vbd_state 1 51712 6
like "$(vbd_error 1 51712)" "not left in order when its backend ended; the guest has to connect it again" "with a sentence"
wait $load
ok "it connects anew" xloop exec g1 -- blkload --dev=xvda --rw=randwrite --verify --ios=200
