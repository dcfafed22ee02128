#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker that dies under I/O, of whatever: its guest's disks go on with the next one.  The guest sees state 4 and no
# error, and every block is as it was written.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 32

# A sanitizer would make an exit of SIGSEGV.
export ASAN_OPTIONS=$ASAN_OPTIONS:handle_segv=0:handle_abort=0 TSAN_OPTIONS=$TSAN_OPTIONS:handle_segv=0:handle_abort=0
blkback_start --queues=4 --persistent --restarts=0
guest_create g "vdev=xvda,target=$(image a.img 8M)" "vdev=xvdb,target=$(image b.img 4M)" \
	"vdev=xvdc,target=$(image c.img 8M)" "vdev=xvdd,target=$(image d.img 4M)" >/dev/null
guest_create other "vdev=xvda,target=$(image other.img 16M)" >/dev/null
neighbour_start other
neighbour=$(worker_of 2)
for disk in xvda xvdb xvdc xvdd; do
	xloop exec g -- blkload --dev=$disk --rw=write --verify >/dev/null 2>&1
done
wait_for 10 vbd_state 1 51760 6
idle=$(vbd_census)

start() { # NAME DISK BLKLOAD-OPTION...
	local name=$1 disk=$2
	shift 2
	xloop exec g -- blkload --dev="$disk" --rw=randrw --verify --flush-every=50 --runtime=100 --json "$@" \
		>"$WORK/$name.json" 2>"$WORK/$name.err" &
	LOADS+=($!)
}
states() {
	local devid
	for devid in 51712 51728 51744 51760; do
		xenstore-read $BE/1/$devid/state "$(fe_dir 1 $devid)/state"
	done | xargs
}
going_on() { # DISK...: each of them has done something since the last connection
	halfback stats --json g | jq -e '[.disks[] | select(.state == "connected" and .total.read.requests > 20) | .disk] as $on
		| $ARGS.positional - $on == []' --args "$@"
}
LOADS=()
start queues xvda --queues=4 --qd=32
start indirect xvdc --bs=512k --qd=4 --indirect=128
start persistent xvdd --persistent --bs=28k --qd=8 --abi=32
xloop exec g -- "$BUILD/tests/blkmix" xvdb 7 8192 1 "$WORK/want" all >"$WORK/mix" 2>&1 &
mix=$!
wait_for 10 node_is $BE/1/51712/state 4
wait_for 10 going_on xvda xvdb xvdc xvdd
for signal in KILL SEGV ABRT KILL; do
	worker=$(worker_of 1)
	kill -$signal "$worker"
	wait_for 10 is_gone "$worker"
	is "$(states)" "4 4 4 4 4 4 4 4" "$signal: all states stay 4"
	ok "  another worker is there" wait_for 10 worker_of 1
	ok "  and all four disks go on" wait_for 10 going_on xvda xvdb xvdc xvdd
	is "$(vbd_error 1 51712)$(vbd_error 1 51728)" "" "  no error is in the store"
done
# Also as it starts: then nothing is done between two deaths.  So there is an end to it.
kills=0
while kill -0 $mix 2>/dev/null && [ $kills -lt 60 ]; do
	read -rt 0.0$((RANDOM % 9))$((RANDOM % 9)) <> <(:) || :
	worker=$(worker_of 1) && kill -9 "$worker" && kills=$((kills + 1))
done
ok "then it is killed at any time ($kills times)" [ $kills -gt 20 ]
ok "the three other disks go on" wait_for 10 going_on xvda xvdc xvdd
for name in queues indirect persistent; do
	kill "${LOADS[0]}"
	wait "${LOADS[0]}"
	is $? 0 "load $name ends well"
	LOADS=("${LOADS[@]:1}")
	ok "  with all blocks verified" jq -e '.errors == 0 and .verify_errors == 0 and .verified > 0' "$WORK/$name.json"
done
wait $mix
is $? 0 "reads, writes, barriers, flushes, discards: no error, no sector is wrong"
ok "the image holds what was written" cmp "$WORK/want" "$WORK/b.img"
wait_for 10 vbd_state 1 51712 6
ok "a disk that was closed can be connected" xloop exec g -- blkload --dev=xvda --rw=read --verify --queues=2
xloop exec g -- blkload --dev=xvda --op=hold >"$WORK/hold" 2>&1 &
hold=$!
wait_for 10 grep -q connected "$WORK/hold"
worker=$(worker_of 1)
kill -9 "$worker"
wait_for 10 is_gone "$worker"
wait_for 10 worker_of 1
kill $hold
wait $hold
is $? 0 "an idle disk whose worker died closes in order"
is "$(vbd_census)" "$idle" "no fd, map, port or grant is left"
is "$(ls "$HALFBACK_RUN_DIR")" "$(printf '%s\n' blkback-2-51712.{connection,journal,stats} blkback.pid)" "nor a file"
is "$(worker_of 2)" "$neighbour" "another guest has the worker that it had"
ok "and its disk worked all the time" neighbour_well other
