#!/bin/bash
# SPDX-License-Identifier: MIT
# Workers that are killed before their first, second, third, ... store to a ring or a journal, or notification, one after
# the other, under a load of all kinds of requests: its guest sees no error, and every block is as it was written last.
#
# For `make crash`: the n-th life of a worker ends with its n-th store (common/crash.c).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
SECONDS_EACH=${CRASH_SECONDS:-40}
TEST_TIMEOUT=$((SECONDS_EACH * 6 + 180))
in_host "$@"
plan 19

sectors=4096
export HALFBACK_CRASH=$WORK/n
echo 0 >"$HALFBACK_CRASH"
blkback_start --queues=2 --restarts=0 --persistent
guest_create g "vdev=xvda,target=$(image a.img 2M)" "vdev=xvdb,target=$(image b.img 2M)" \
	"vdev=xvdc,target=$(image c.img 64M)" >/dev/null

begin() { # N: the first life ends with its Nth store
	local worker
	worker=$(worker_of 1) && kill -9 "$worker" && wait_for 5 is_gone "$worker"
	echo "$1" >"$HALFBACK_CRASH"
}
lives() {
	cat "$HALFBACK_CRASH"
}
mixed() { # DISK SEED WORD...
	local disk=$1 seed=$2
	shift 2
	begin 1
	ok "$*: no error, no sector is wrong" xloop exec g -- "$BUILD/tests/blkmix" "$disk" "$SECONDS_EACH" $sectors "$seed" \
		"$WORK/want" "$@"
	diag "lives: $(lives)"
	ok "  $(($(lives) - 1)) lives ended, each with its next store" [ "$(lives)" -gt $((SECONDS_EACH * 10)) ]
	begin 0
	ok "  the image holds what was written" cmp "$WORK/want" "$WORK/${disk#xvd}.img"
}
mixed xvda 1 all
mixed xvdb 2 all persistent

for load in "--bs=4k --qd=1 --spin=0" "--queues=2 --bs=4k --qd=32" "--queues=2 --bs=256k --qd=6 --persistent --abi=32 --ring-order=1"; do
	begin 1
	# shellcheck disable=SC2086
	ok "$load: no error, all is verified" xloop exec g -- blkload --dev=xvdc --rw=randrw --verify --flush-every=20 \
		--runtime="$SECONDS_EACH" $load
	diag "lives: $(lives)"
	ok "  $(($(lives) - 1)) lives" [ "$(lives)" -gt $((SECONDS_EACH * 10)) ]
done

# The first connection itself: each store until the disk works.
wrong=0
for n in {1..150}; do
	begin "$n"
	xloop exec g -- blkload --dev=xvda --rw=randrw --verify --ios=40 --seed="$n" >"$WORK/out" 2>&1 && continue
	wrong=$((wrong + 1))
	diag "n=$n: $(tail -n 3 "$WORK/out")"
done
is $wrong 0 "a worker that ends with any of its first 150 stores, as it connects: no error"
begin 0
is "$(vbd_error 1 51712)" "" "no error is in the store"

# The supervisor, too: with its worker, at any of the worker's stores.
begin 1
xloop exec g -- "$BUILD/tests/blkmix" xvda "$SECONDS_EACH" $sectors 3 "$WORK/want" all >"$WORK/mix" 2>&1 &
mix=$!
wait_for 10 node_is "$BE/1/51712/state" 4
kills=0
while kill -0 $mix 2>/dev/null; do
	kill -9 "$BLKBACK_PID"
	wait "$BLKBACK_PID" 2>/dev/null
	kills=$((kills + 1))
	blkback_start --queues=2 --restarts=0 --persistent
	read -rt 0.2 <> <(:) || :
done
wait $mix
is $? 0 "supervisors killed $kills times, and workers with each store ($(lives) lives): no error"
begin 0
ok "the image holds what was written" cmp "$WORK/want" "$WORK/a.img"
is "$(grep -c 'panic\|Segmentation\|Abort' "$XLOOP_DIR/blkback.log")" 0 "no worker ended in another way"
is "$(find "$HALFBACK_RUN_DIR" -name '*.journal' -o -name '*.connection' | wc -l)" 0 "no journal is left"
blkback_stop
is $? 0 "blkback ends in order"
