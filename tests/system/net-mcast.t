#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that asks for multicast control gets only what is on its list, and the list outlives its worker; so do broadcast
# and its own address.  It may ask at any time.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 6

bridge_make
netback_start --restarts=0
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
sink_start() { # OPTION...
	xloop exec a -- netload --dev=0 --sink --hold --json --runtime=60 "$@" >"$WORK/sink" 2>"$WORK/sink.err" &
	SINK=$!
	wait_for 10 grep -q connected "$WORK/sink.err"
	wait_for 10 grep -q 1 /sys/class/net/vif1.0/carrier
}
got() {
	halfback stats --json a | jq '.nics[0].total.rx | .requests - .errors'
}
# What of 20 frames to that address the guest gets, beside what the host itself sends.
passes() { # MAC
	local before after
	before=$(got)
	netload --interface=vif1.0 --to="$1" --count=20 --rate=2000 >/dev/null 2>&1
	sleep 0.3
	after=$(got)
	[ $((after - before)) -ge 20 ]
}
ip link set vif1.0 nomaster
sink_start --multicast=01:00:5e:01:02:03
ok "an address that is on the list passes" passes 01:00:5e:01:02:03
ok "broadcast does" passes ff:ff:ff:ff:ff:ff
not_ok "another one does not" passes 01:00:5e:01:02:04 2>/dev/null
worker=$(net_worker a)
kill -9 "$worker"
wait_for 10 is_gone "$worker"
wait_for 10 net_worker a
ok "after its worker was killed, the one on the list passes" wait_for 5 passes 01:00:5e:01:02:03
not_ok "and the other one does not" passes 01:00:5e:01:02:04 2>/dev/null
xenstore-write /local/domain/1/device/vif/0/request-multicast-control 0
ok "once it asks for that no more, any passes" wait_for 5 passes 01:00:5e:01:02:04
kill $SINK
