#!/bin/bash
# SPDX-License-Identifier: MIT
# What a frontend may write that no frontend means: numbers that wrap, signs, spaces, hexadecimals, nothing, texts as long
# as the store takes, a MAC that is none.  What has to be a number is one or is refused in a sentence; a feature that is
# no number is as if it were not there; what nobody reads changes nothing.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 44

bridge_make
netback_start --queues=2 --restarts=0
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
huge=$(printf '%01900d' 1) # as much as xenstored takes, or nearly so
error() {
	xenstore-read /local/domain/0/error/backend/vif/1/0/error 2>/dev/null
}
hostile() { # KEY=VALUE... CASE...
	timeout 30 xloop exec a -- "$BUILD/tests/nethostile" 0 "$@" 2>"$WORK/err"
}
is "$(hostile good)" "good 0" "an honest packet is answered"
worker=$(net_worker a)
daemon=$(awk '/^VmRSS/ { print $2 }' "/proc/$NETBACK_PID/status")
# What can't be taken, for each of the nodes that name something.
odd() { # KEY SENTENCE VALUE...
	local key=$1 sentence=$2 value
	shift 2
	for value; do
		hostile "--key=$key=$value" connect >/dev/null
		like "$(error)" "$sentence" "$key of '${value::24}'"
	done
}
odd multi-queue-num-queues "multi-queue-num-queues is no number from 1 to 2" "" 4294967297 18446744073709551617 0x1 " 1" 1.0 "x$huge"
odd tx-ring-ref "tx-ring-ref of queue 0 is no grant reference" "" -1 4294967296 18446744073709551624 0x8 "8 " "x$huge"
odd tx-ring-ref "map the TX ring" 4294967295
odd rx-ring-ref "rx-ring-ref of queue 0 is no grant reference" "" +9 4294967305 "x$huge"
odd rx-ring-ref "map the RX ring" 2147483648
odd event-channel-rx "event-channel-rx is no event channel" "" -1 131072 4294967296 "x$huge"
odd request-rx-copy "does not write request-rx-copy=1" "" yes -1 "x$huge"
odd ctrl-ring-ref "no control ring" "" -1 4294967296 "x$huge"
odd ctrl-ring-ref "map the control ring" 4294967295
# Zeros before a number are no other number.
is "$(hostile "--key=multi-queue-num-queues=0000000001" "--key=request-rx-copy=$huge" good)" "good 0" "zeros before a number are taken"
# What is not there, and what nobody reads.
for value in "" garbage 18446744073709551616 "$huge"x; do
	is "$(hostile "--key=feature-sg=$value" "--key=feature-gso-tcpv4=$value" "--key=feature-gso-tcpv6=$value" \
		"--key=feature-no-csum-offload=$value" "--key=feature-ipv6-csum-offload=$value" "--key=feature-rx-notify=$value" \
		"--key=request-multicast-control=$value" "--key=xdp-headroom=$value" good)" "good 0" "features of '${value::24}'"
done
is "$(hostile --key=mac=garbage "--key=speed=$huge" --key=trusted=2 "--key=tx-pool-ref=$huge" good)" "good 0" \
	"a MAC that is none, and nodes that are nobody's"
is "$(error)" "" "no error is left"
after=$(awk '/^VmRSS/ { print $2 }' "/proc/$NETBACK_PID/status")
case $BUILD in */asan | */tsan) bound=65536 ;; *) bound=1024 ;; esac # KiB
ok "netback has not grown ($((after - daemon)) KiB)" [ $((after - daemon)) -lt $bound ]
is "$(net_worker a)" "$worker" "the worker is the same all the time"
