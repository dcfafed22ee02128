#!/bin/bash
# SPDX-License-Identifier: MIT
# Workers of netback that are killed before their first, second, third, ... store to a ring, or notification, one after the
# other, under packets that are numbered and summed, both ways: some are lost, a few come twice, none is corrupt, no
# frontend finds its ring broken, and the NICs go on.
#
# For `make crash`: the n-th life of a worker ends with its n-th store (common/crash.c).
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
SECONDS_EACH=${CRASH_SECONDS:-40}
TEST_TIMEOUT=$((SECONDS_EACH * 6 + 180))
in_host "$@"
plan 17

export HALFBACK_CRASH=$WORK/n
echo 0 >"$HALFBACK_CRASH"
bridge_make xenbr0 9000
netback_start --queues=2 --restarts=0
XLOOP_XNET=none nic_guest a 1 mtu=9000 >/dev/null 2>&1
XLOOP_XNET=none nic_guest b 2 mtu=9000 >/dev/null 2>&1
maps() {
	xloop stats --json 0 | jq .maps
}
base=$(maps)
begin() { # N: the first life ends with its Nth store
	local worker
	echo "$1" >"$HALFBACK_CRASH"
	for worker in $(net_worker a) $(net_worker b); do
		kill -9 "$worker" && wait_for 5 is_gone "$worker"
	done
}
lives() {
	cat "$HALFBACK_CRASH"
}
# load NETLOAD-OPTION...: from a to b, by two workers that are both killed.
load() {
	local sink send n
	begin 0
	: >"$WORK/err"
	xloop exec b -- netload --dev=0 --sink --verify --json "$@" >"$WORK/sink" 2>"$WORK/err" &
	sink=$!
	wait_for 10 grep -q connected "$WORK/err"
	xloop exec a -- netload --dev=0 --verify --json --rate=4000 --to="$(mac_of 2)" --runtime="$SECONDS_EACH" "$@" \
		>"$WORK/send" 2>"$WORK/send.err" &
	send=$!
	vif_state a 0 4
	begin 1
	wait $send
	is $? 0 "$*: the sender finds nothing broken"
	n=$(lives)
	kill $sink
	wait $sink
	is $? 0 "  nor does the guest that gets them"
	diag "lives: $n, $(jq -c '{packets, lost, reordered, corrupt}' "$WORK/sink") of $(jq .packets "$WORK/send")"
	ok "  $((n - 1)) lives ended, each with its next store" [ "$n" -gt $((SECONDS_EACH * 3)) ]
	ok "  none is corrupt, at most those that a worker had taken came twice" jq -e ".corrupt == 0 and .reordered <= 256 * $n" "$WORK/sink"
}
load --size=60
load --size=3000
load --size=3000 --queues=2 --staging

# The first connection itself: each store until packets go.  They are few: a worker answers a whole batch, or dies again.
wrong=0
for n in {1..60}; do
	begin "$n"
	timeout 30 xloop exec a -- netload --dev=0 --verify --count=8 --size=3000 --staging --json >"$WORK/send" 2>"$WORK/err" &&
		jq -e '.packets == 8' "$WORK/send" >/dev/null && continue
	wrong=$((wrong + 1))
	diag "n=$n: $(tail -n 3 "$WORK/err")"
done
is $wrong 0 "a worker that ends with any of its first 60 stores, as it connects: no error"
begin 0
is "$(xenstore-read /local/domain/0/error/backend/vif/1/0/error /local/domain/0/error/backend/vif/2/0/error 2>/dev/null)" "" \
	"no error is in the store"
is "$(grep -c 'panic\|Segmentation\|Abort' "$XLOOP_DIR/netback.log")" 0 "no worker ended in another way"
is "$(maps)" "$base" "nothing stays mapped"
netback_stop
is $? 0 "netback ends in order"
