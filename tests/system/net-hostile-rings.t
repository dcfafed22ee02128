#!/bin/bash
# SPDX-License-Identifier: MIT
# Rings that are broken, fields that change, storms, more multicast addresses than there is room for: the device closes
# or goes on, and the worker lives.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 9

bridge_make
netback_start --queues=2 --restarts=0
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
hostile() { # [OPTION...] CASE...
	timeout 100 xloop exec a -- "$BUILD/tests/nethostile" 0 "$@" 2>"$WORK/err"
}
lines() {
	printf '%s\n' "$@"
}

is "$(hostile good)" "good 0" "an honest packet is answered"
worker=$(net_worker a)
is "$(hostile overflow overflow-half overflow-back good)" \
	"$(lines 'overflow closed' 'overflow-half closed' 'overflow-back closed' 'good 0')" \
	"req_prod out of the TX ring (XSA-39)"
is "$(hostile --queues=2 overflow good)" "$(lines 'overflow closed' 'good 0')" "and of the second queue's"
like "$(grep -h 'TX ring' "$XLOOP_DIR/netback.log")" "the guest has moved req_prod of its TX ring out of the ring" \
	"which is said in one sentence"
ip neigh replace 10.0.0.11 lladdr "$(mac_of 1)" dev xenbr0
ping -n -i 0.05 10.0.0.11 >/dev/null 2>&1 &
pinger=$!
is "$(hostile rx-overflow good)" "$(lines 'rx-overflow closed' 'good 0')" "req_prod out of the RX ring"
is "$(hostile rx-bad-refs)" "rx-bad-refs -1" "RX slots that name no page: each is answered with an error"
kill $pinger
is "$(hostile flip padding storm)" "$(lines 'flip answered' 'padding clean' 'storm 0')" \
	"fields that change while they are read (XSA-155), padding (XSA-216), a storm of events (XSA-332)"
is "$(hostile mcast-many good)" "$(lines 'mcast-many mixed' 'good 0')" \
	"of 66 multicast addresses those beyond 64 are refused"
is "$(net_worker a)" "$worker" "the worker is the same all the time"
