#!/bin/bash
# SPDX-License-Identifier: MIT
# A frontend gets the bytes before each packet that it asks for (XDP): when it connects, and later by going to
# Reconfiguring, which is answered by Reconfigured; and so it stays when its worker is killed.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 14

bridge_make
netback_start --restarts=0
XLOOP_XNET="--headroom=256" nic_guest a 1 || exit 1
XLOOP_XNET=none nic_guest b 2 >/dev/null 2>&1
ok "with 256 bytes before each packet a guest has its network" pings_soon host 10.0.0.11
ok "packets of several pages, too" tcp_works host a 10.0.0.1 -R
FE=/local/domain/2/device/vif/0 BE=$VIF_BE/2/0
xloop exec b -- "$BUILD/tests/nethostile" 0 headrooms >>"$WORK/out" 2>&1 &
guest=$!
wait_for 10 grep -q connected "$WORK/out"
ip neigh replace 10.0.0.12 lladdr "$(mac_of 2)" dev xenbr0
ping -n -i 0.05 10.0.0.12 >/dev/null 2>&1 &
pinger=$!
lines() { # COUNT
	[ "$(wc -l <"$WORK/out")" -ge "$1" ]
}
# All packets from some time on, when those of before have come.
now_are() { # TEXT
	: >"$WORK/out"
	wait_for 5 lines 4 || return 1
	: >"$WORK/out"
	wait_for 5 lines 4
	[ "$(sort -u "$WORK/out")" = "$1" ]
}
ok "without a wish there are none" now_are "headroom 0"
set_headroom() { # BYTES
	xenstore-write $FE/xdp-headroom "$1" $FE/state 7
	wait_node $BE/state 8 && xenstore-write $FE/state 4 && wait_node $BE/state 4
}
ok "256 bytes: Reconfiguring is answered by Reconfigured, and Connected by Connected" set_headroom 256
ok "  packets have them" now_are "headroom 256"
worker=$(net_worker b)
kill -9 "$worker"
wait_for 10 is_gone "$worker"
ok "  with the next worker, too" wait_for 10 net_worker b
ok "  packets have them" now_are "headroom 256"
kill -9 "$NETBACK_PID"
wait "$NETBACK_PID" 2>/dev/null
xenstore-write $FE/xdp-headroom 128 $FE/state 7
netback_start --restarts=0
ok "a netback that starts meanwhile answers" wait_node $BE/state 8
xenstore-write $FE/state 4
ok "  and goes back" wait_node $BE/state 4
ok "  packets have 128" now_are "headroom 128"
ok "more than a page has room for is none" set_headroom 32767
ok "  packets have none" now_are "headroom 0"
ok "nonsense is none" set_headroom 0x100
is "$(xenstore-read /local/domain/0/error/backend/vif/2/0/error 2>/dev/null)" "" "no error is in the store"
kill $pinger $guest
