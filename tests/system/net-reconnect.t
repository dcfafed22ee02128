#!/bin/bash
# SPDX-License-Identifier: MIT
# Frontends that come and go, in order, under traffic, with a malformed packet at their end, or killed: at each Closed
# nothing of the guest is mapped (XSA-396), and after all of them nothing is left.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 6

bridge_make
netback_start --queues=2 --restarts=0
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
hostile() { # [OPTION...] CASE...
	timeout 60 xloop exec a -- "$BUILD/tests/nethostile" 0 "$@" 2>&1
}
census() {
	echo "fds $(find "/proc/$NETBACK_PID/fd" -mindepth 1 | wc -l)"
	xloop stats --json 0 | jq -r '"maps \(.maps) ports \(.ports)"'
}
closed() {
	node_is "$VIF_BE/1/0/state" 6
}
hostile good >/dev/null
wait_for 5 closed
before=$(census)
ip neigh replace 10.0.0.11 lladdr "$(mac_of 1)" dev xenbr0
ping -f -q 10.0.0.11 >/dev/null 2>&1 &
pinger=$!
for _ in {1..10}; do
	hostile --queues=2 good >/dev/null
done
wait_for 5 closed
is "$(census)" "$before" "10 connections under traffic: nothing is left"
is "$(hostile across-page gso-0 extra-6 cut-more overflow across-page gso-0 extra-6 cut-more overflow | sort | uniq -c | awk '{ print $1, $3 }' | sort -u)" \
	"2 closed" "10 that end by what breaks the protocol (XSA-90, 374)"
wait_for 5 closed
is "$(census)" "$before" "nothing is left of these"
worker=$(net_worker a)
for _ in 1 2 3; do
	xloop exec a -- "$BUILD/tests/nethostile" 0 --queues=2 flood >/dev/null 2>&1 &
	flood=$!
	wait_for 10 node_is "$VIF_BE/1/0/state" 4
	kill -9 $flood
	wait $flood 2>/dev/null
done
hostile good >/dev/null
wait_for 5 closed
is "$(census)" "$before" "3 frontends that were killed: the next one closes all of it"
is "$(net_worker a)" "$worker" "the worker lives"
for _ in {1..5}; do
	halfback stats --json a >/dev/null
	hostile good >/dev/null &
	for _ in {1..8}; do
		halfback stats --json a
	done >"$WORK/stats"
	wait $!
done
ok "statistics can be read while it connects and closes" jq -e . "$WORK/stats"
kill $pinger
