#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker of netback of which one call fails: each allocation, each map, each copy, each submission to the kernel, each
# read and each write of a tap, one after the other, in a worker that goes on with a NIC under load.  Packets may be lost;
# none is corrupt, none comes again and again, the NICs go on, and nothing stays mapped.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
TEST_TIMEOUT=${CRASH_SECONDS:-40}
TEST_TIMEOUT=$((TEST_TIMEOUT * 30 + 180))
in_host "$@"
plan 27

MOST=${CRASH_MOST:-60} # calls of a kind that are made to fail
export HALFBACK_FAIL=$WORK/fail
: >"$HALFBACK_FAIL"
bridge_make xenbr0 9000
net_start() { # NETBACK-OPTION...
	LD_PRELOAD=$BUILD/tests/fail.so netback_start --queues=2 --restarts=0 "$@"
}
net_start
n=1
for g in a b; do
	XLOOP_XNET=none nic_guest $g $n mtu=9000 >/dev/null 2>&1
	n=$((n + 1))
done
maps() {
	xloop stats --json 0 | jq .maps
}
base=$(maps)

# once KIND N WHO NETLOAD-OPTION...: packets from a to b; the second worker of guest WHO is the one of which the Nth call
# fails.
once() {
	local kind=$1 n=$2 who=$3 worker sink send
	shift 3
	rm -f "$HALFBACK_FAIL" # an old worker may have it mapped
	: >"$WORK/err"
	timeout 30 xloop exec b -- netload --dev=0 --sink --verify --json "$@" >"$WORK/sink" 2>"$WORK/err" &
	sink=$!
	wait_for 10 grep -q connected "$WORK/err"
	timeout 30 xloop exec a -- netload --dev=0 --verify --json --rate=4000 --size=3000 --to="$(mac_of 2)" --count=3600 "$@" \
		>"$WORK/send" 2>"$WORK/send.err" &
	send=$!
	vif_state a 0 4
	worker=$(net_worker "$who")
	echo "$kind $n" >"$HALFBACK_FAIL"
	kill -9 "$worker"
	wait $send
	SENT=$?
	read -rt 0.1 <> <(:) || : # what is under way arrives
	STATES=$(xenstore-read "$VIF_BE/1/0/state" "$VIF_BE/2/0/state" | xargs)
	kill $sink
	wait $sink
	CAME=$?
}
# All is well: the sender could send them all, however long that took, and far more came than before the kill.
went_well() {
	[ $SENT -eq 0 ] && [ $CAME -eq 0 ] && [ "$STATES" = "6 4" ] &&
		jq -es '.[0] | .corrupt == 0 and .reordered <= 512 and .packets > 1000' \
			"$WORK/sink" >/dev/null
}
# each KIND WHO LEAST NETLOAD-OPTION...: for each N that is reached, of which there are at least LEAST.
each() {
	local kind=$1 who=$2 least=$3 n worker reached=0 bad=0
	shift 3
	for ((n = 1; n <= MOST; n++)); do
		once "$kind" $n "$who" "$@"
		if ! went_well; then
			bad=$((bad + 1))
			diag "$kind $n of $who, sender $SENT, sink $CAME, states $STATES: $(head -n 3 "$WORK/err" "$WORK/send.err") $(cat "$WORK/sink" "$WORK/send")"
		fi
		grep -q failed "$HALFBACK_FAIL" || break
		reached=$n
	done
	worker=$(net_worker "$who") && kill -9 "$worker" && wait_for 10 is_gone "$worker" # its call may be yet to come
	is $bad 0 "$kind, $([ "$who" = a ] && echo from || echo to) the guest${*:+, $*}: the NIC goes on after any of $reached calls that failed"
	ok "  which are enough" [ $reached -ge $((least < MOST ? least : MOST)) ]
}
for who in a b; do
	each alloc $who 10
	each map $who 3
	each copy $who 10
	each submit $who 10
done
each map a 5 --staging --queues=2
each write a 10
each read b 10
netback_stop
net_start --no-io-uring
each write a 10
each read b 10
is "$(maps)" "$base" "nothing stays mapped"
