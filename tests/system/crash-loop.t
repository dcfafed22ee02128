#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker that dies again and again: of one request, which then gets an error; or of anything, and then its guest's disks
# close, after waits that get longer, with a reason.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 23

export ASAN_OPTIONS=$ASAN_OPTIONS:handle_abort=0:verify_asan_link_order=0
mkdir "$WORK/memory"
mount -t tmpfs -o size=40m none "$WORK/memory"
truncate -s 32M "$WORK/memory/a.img"
LD_PRELOAD=$BUILD/tests/poison.so blkback_start
nbdkit -f -U "$WORK/slow.sock" --filter=delay memory 16M rdelay=1500ms >"$WORK/nbdkit.log" 2>&1 &
nbdkit=$!
wait_for 5 test -S "$WORK/slow.sock"
guest_create g "vdev=xvda,target=$WORK/memory/a.img" "vdev=xvdb,target=$(image b.img 16M)" \
	"vdev=xvdc,target=nbd+unix:///?socket=$WORK/slow.sock" >/dev/null
guest_create other "vdev=xvda,target=$(image other.img 16M)" >/dev/null
neighbour_start other

# ---- of one request, among others
xloop exec g -- blkload --dev=xvdb --rw=randrw --verify --runtime=100 --json >"$WORK/innocent" 2>"$WORK/innocent.err" &
innocent=$!
wait_for 10 node_is $BE/1/51728/state 4
xloop exec g -- blkload --dev=xvdc --rw=read --ios=1 --json >"$WORK/slow" 2>"$WORK/slow.err" &
slow=$!
wait_for 10 node_is $BE/1/51744/state 4
xloop exec g -- blkload --dev=xvda --rw=read --size=2M --qd=32 --json >"$WORK/poison" 2>"$WORK/poison.err"
ok "a request that its worker dies of gets an error" grep -q '"errors": 1,' "$WORK/poison"
is "$(jq -s '.[0].ios' "$WORK/poison")" 511 "the 31 others that were there with it get their answers"
is "$(log_count 'the worker of guest 1 was ended by signal 6')" 3 "three workers have died of it"
is "$(log_count 'operation 0 at sector 2048 refused: three workers have died of it')" 1 "the log names it"
is "$(node_is $BE/1/51712/state 6 && echo closed), $(vbd_error 1 51712)" "closed, " "its disk was not closed for it"
xloop exec g -- blkload --dev=xvda --rw=read --bs=48k --offset=1M --size=960k --qd=8 --indirect=32 --json >"$WORK/poison" 2>"$WORK/poison.err"
ok "an indirect one, too" grep -q '"errors": 1,' "$WORK/poison"
is "$(jq -rs '.[0] | "\(.ios) \(.indirect)"' "$WORK/poison") $(cat "$WORK/poison.err")" \
	"19 32 blkload: read at byte 1048576 failed: Input/output error" "it is answered as the read that it is, and the others are, too"
is "$(log_count 'the worker of guest 1 was ended by signal 6')" 6 "three workers have died of that one"
is "$(log_count 'operation 0 at sector 2048 refused: three workers have died of it')" 2 "the log names what it was to do"
kill $innocent
wait $innocent
is $? 0 "another disk of the guest lost nothing"
ok "  and verified all" jq -e '.errors == 0 and .verified > 0' "$WORK/innocent"
wait $slow
is $? 0 "nor did one whose request was under way each time"
is "$(jq -c '[.ios, .errors]' "$WORK/slow")" "[1,0]" "  which was answered once"
is "$(log_count 'refused: three workers')" 2 "nobody else was blamed"
kill $nbdkit

# ---- of anything
guest_create h "vdev=xvda,target=$(image h.img 16M)" >/dev/null
domid=$(domid_of h)
xloop exec h -- blkload --dev=xvda --rw=randrw --runtime=100 >"$WORK/out" 2>&1 &
load=$!
wait_for 10 node_is "$BE/$domid/51712/state" 4
begin=${EPOCHREALTIME/./}
while ! node_is "$BE/$domid/51712/state" 6 && [ $((${EPOCHREALTIME/./} - begin)) -lt 30000000 ]; do
	worker=$(worker_of "$domid") && kill -9 "$worker" 2>/dev/null
	read -rt 0.01 <> <(:) || :
done
took=$(((${EPOCHREALTIME/./} - begin) / 1000))
is "$(log_count "the worker of guest $domid was ended by signal 9")" 8 "after eight deaths"
ok "with ever longer waits between them ($took ms)" [ $took -gt 6300 ]
like "$(vbd_error "$domid" 51712)" "its worker died 8 times, and not a minute passed without; .* can connect it again" \
	"the disk closes, with a reason"
wait $load
is $? 1 "its load ends with an error"
not_ok "no journal is left" ls "$HALFBACK_RUN_DIR/blkback-$domid-51712".*
ok "it can be connected again" xloop exec h -- blkload --dev=xvda --rw=randwrite --verify --ios=200
ok "the other guest's disk worked all the time" neighbour_well other
not_ok "a limit has to be a number" blkback --restarts=1001
like "$(blkback --restarts=x 2>&1)" "--restarts takes a number from 0 to 1000, not 'x'" "and that is said"
umount -l "$WORK/memory"
