#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker, netback, or both are killed under traffic: the guests' TCP connections live on, their states stay 4, and the
# interfaces keep their bridge.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 22

bridge_make
start() {
	netback_start --queues=2 --restarts=0
}
start
XLOOP_XNET="--queues=2 --staging" nic_guest a 1 && nic_guest b 2 || exit 1
pings_soon host 10.0.0.11
pings_soon host 10.0.0.12
idle=$(xloop stats --json 0 | jq -c '[.maps, .ports]')

# A connection that says a number each 20 ms, and one in bulk.
cat >"$WORK/talk" <<'END'
i=0
while [ $i -lt 100000 ]; do
	echo $i
	i=$((i + 1))
	sleep 0.02
done
END
in_guest a busybox nc -l -p 7000 -e sh "$WORK/talk" &
wait_for 10 in_guest a sh -c "grep -q ':1B58 .* 0A ' /proc/net/tcp /proc/net/tcp6"
tail -f /dev/null | busybox nc 10.0.0.11 7000 >"$WORK/heard" &
talk=$!
iperf_server b
in_guest a iperf3 -c 10.0.0.12 -t 600 -b 500M --forceflush >"$WORK/bulk" 2>&1 &
bulk=$!

heard() {
	wc -l <"$WORK/heard"
}
said_more() { # THAN
	[ "$(heard)" -gt $(($1 + 10)) ]
}
bytes() {
	in_guest b cat /sys/class/net/eth0/statistics/rx_bytes
}
rx_bytes() {
	in_guest b sh -c "sed -n 's/.*eth0: *\([0-9]*\) .*/\1/p' /proc/net/dev"
}
got_more() { # THAN
	[ "$(rx_bytes)" -gt $(($1 + 10000000)) ]
}
goes_on() {
	ok "  the slow connection goes on" wait_for 20 said_more "$(heard)"
	ok "  and the one in bulk" wait_for 20 got_more "$(rx_bytes)"
}
states() {
	xenstore-read "$VIF_BE/1/0/state" /local/domain/1/device/vif/0/state "$VIF_BE/2/0/state" \
		/local/domain/2/device/vif/0/state | xargs
}
goes_on
for round in 1 2 3; do
	worker=$(net_worker a)
	kill -9 "$worker"
	wait_for 10 is_gone "$worker"
	is "$(states)" "4 4 4 4" "kill -9 of a worker, round $round: all states stay 4"
	goes_on
done
is "$(xloop stats --json 0 | jq -c '[.maps, .ports]')" "$idle" "as many maps and ports as before: static grants, too"
kill -9 "$NETBACK_PID"
wait "$NETBACK_PID" 2>/dev/null
start
is "$(states)" "4 4 4 4" "kill -9 of netback: all states stay 4"
goes_on
# shellcheck disable=SC2046
kill -9 "$NETBACK_PID" $(pgrep -P "$NETBACK_PID")
wait "$NETBACK_PID" 2>/dev/null
start
is "$(states)" "4 4 4 4" "kill -9 of both: all states stay 4"
goes_on
netback_stop
is "$(basename "$(readlink /sys/class/net/vif1.0/master)")" xenbr0 "netback ended in order: the interface is in its bridge still"
start
goes_on
kill $talk $bulk
is "$(seq 0 $(($(heard) - 2)) | cmp - <(head -n -1 "$WORK/heard") && echo same)" same "nothing that was said was lost"
