#!/bin/bash
# SPDX-License-Identifier: MIT
# What a NIC has done is counted, to the packet and the byte, per queue, and halfback shows it beside the disks.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 11

bridge_make
netback_start --queues=2
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
ip link set vif1.0 nomaster
like "$(halfback list --interval=0)" "^guest +domid NIC +bridge +queues state .*
a +1 vif1.0 +xenbr0 +- waiting" "a NIC that is not connected is listed"
xloop exec a -- netload --dev=0 --count=5000 --size=100 --hold >"$WORK/load" 2>&1 &
load=$!
wait_for 20 grep -q "^sent" "$WORK/load"
total() { # JQ
	halfback stats --json a | jq -r ".nics[0].total | $1"
}
ok "sent packets are counted" wait_for 5 sh -c "[ \$(halfback stats --json a | jq '.nics[0].total.tx.requests') = 5000 ]"
is "$(total .tx.bytes)" 500000 "and their bytes"
is "$(total .tx.errors)" 0 "none is an error"
is "$(total .tx.latency_ns.count)" 5000 "each has a latency"
is "$(total .copy_segments)" $((5000 + $(total .rx.requests))) "each was one segment of a copy"
ok "of few calls" [ "$(total .copy_calls)" -lt 2000 ]
halfback stats --json a >"$WORK/json"
ok "the JSON is of the promised form" /usr/bin/python3 -c "
import json, jsonschema
jsonschema.validate(json.load(open('$WORK/json')), json.load(open('$TOP/docs/halfback-stats.schema.json')))"
ok "Prometheus takes its form" /usr/bin/python3 -c "
import subprocess
from prometheus_client.parser import text_string_to_metric_families as parse
names = {f.name: f for f in parse(subprocess.run(['halfback', 'stats', '--prometheus'], capture_output=True, text=True).stdout)}
s = [x for x in names['halfback_nic_requests'].samples if x.labels['op'] == 'tx']
assert len(s) == 1 and s[0].value == 5000 and s[0].labels['interface'] == 'vif1.0', s"
like "$(halfback stats a vif1.0)" "a .domain 1. vif1.0 .vif 0.: xenbr0, connected, tap, 1 queue.*
.* packets .*
  rx .*
  tx +5000 +0 " "and so do people"
kill $load
wait $load
ok "its file goes with the connection" wait_for 5 test ! -e "$HALFBACK_RUN_DIR/netback-1-0.stats"
