#!/bin/bash
# SPDX-License-Identifier: MIT
# blkback ends under guests that do verified I/O, in order or by kill -9, alone or with its workers, and is started again:
# the next one goes on with their rings, and the guests notice nothing.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 42

options=(--queues=2 --restarts=0 --persistent)
blkback_start "${options[@]}"
for g in g1 g2 g3; do
	guest_create $g "vdev=xvda,target=$(image $g.img 16M)" "vdev=xvdb,target=null:1G" >/dev/null
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
start g1 --qd=32 --queues=2
start g2 --qd=64 --ring-order=4 --bs=128k --indirect=32
start g3 --qd=1 --abi=32 --persistent
answered() { # GUEST
	jq -n "$(halfback stats --json "$1" xvda | jq '.disks[0].total | .read.requests + .write.requests') // 0"
}
io_goes_on() { # GUEST: requests complete now
	[ "$(answered "$1")" -gt 100 ]
}
states() {
	local d
	for d in 1 2 3; do
		xenstore-read $BE/$d/51712/state "$(fe_dir $d 51712)/state"
	done | xargs
}
all_go_on() {
	local g
	for g in g1 g2 g3; do
		ok "  I/O of $g goes on" wait_for 10 io_goes_on $g
	done
}
kill_supervisor() {
	kill -9 "$BLKBACK_PID"
	wait "$BLKBACK_PID" 2>/dev/null
}

for round in 1 2; do
	workers=$(pgrep -P "$BLKBACK_PID" | xargs)
	blkback_stop
	is $? 0 "in order, round $round: blkback ends"
	for pid in $workers; do
		wait_for 5 is_gone "$pid" || diag "worker $pid is still there"
	done
	is "$(states)" "4 4 4 4 4 4" "  the guests' disks stay Connected"
	is "$(xloop stats --json 0 | jq -c '[.maps, .ports]')" "$idle" "  and nothing of them is mapped"
	blkback_start "${options[@]}"
	all_go_on
done

for round in 1 2; do
	kill_supervisor
	is "$(states)" "4 4 4 4 4 4" "kill -9 of the supervisor, round $round: the disks stay Connected"
	blkback_start "${options[@]}"
	all_go_on
done

for round in 1 2; do
	# shellcheck disable=SC2046
	kill -9 "$BLKBACK_PID" $(pgrep -P "$BLKBACK_PID")
	wait "$BLKBACK_PID" 2>/dev/null
	is "$(states)" "4 4 4 4 4 4" "kill -9 of it and its workers, round $round: the disks stay Connected"
	blkback_start "${options[@]}"
	all_go_on
done

# At any moment, that of its start not excepted.
for _ in {1..25}; do
	kill_supervisor
	blkback_start "${options[@]}"
	read -rt 0.0$((RANDOM % 10))$((RANDOM % 10)) <> <(:) || :
done
all_go_on
is "$(for d in 1 2 3; do vbd_error $d 51712; done)" "" "no error is in the store"

# A worker that can't end yet: stopped, it still has the ring, and nobody else gets it.
worker=$(worker_of 1)
kill -STOP "$worker"
kill_supervisor
blkback_start "${options[@]}"
ok "while an old worker does not end, other guests go on" wait_for 10 io_goes_on g2
is "$(worker_of 1)" "" "  and its guest gets no second one"
kill -CONT "$worker"
ok "  until it has ended" wait_for 10 io_goes_on g1

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
blkback_start "${options[@]}"
wait $hold
ok "and the disk works afterwards" xloop exec g1 -- blkload --dev=xvda --rw=randwrite --verify --ios=200

# What the guest's nodes say now is nothing to a connection that stands.
xloop exec g1 -- blkload --dev=xvda --rw=randrw --verify --runtime=100 --json >"$WORK/g1.json" 2>&1 &
load=$!
wait_for 10 node_is $BE/1/51712/state 4
xenstore-write "$(fe_dir 1 51712)/ring-ref" 4711 "$(fe_dir 1 51712)/event-channel" 99 "$(fe_dir 1 51712)/protocol" nonsense
kill_supervisor
blkback_start "${options[@]}"
ok "a guest that has overwritten its nodes meanwhile goes on with its ring" wait_for 10 io_goes_on g1
kill $load
wait $load
is $? 0 "  and loses nothing"
wait_node $BE/1/51712/state 6
is "$(find "$HALFBACK_RUN_DIR" -name '*.journal' -o -name '*.connection')" "" "no journal is left"
