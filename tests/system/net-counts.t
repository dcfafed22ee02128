#!/bin/bash
# SPDX-License-Identifier: MIT
# What a packet costs, counted: hypercalls, notifications and system calls, none of which depend on the machine.  An idle
# NIC costs nothing.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 12

# Nothing is sent that this test does not send.
quiet() {
	at "$1" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
}
quiet host
ip link add xenbr0 type bridge mcast_snooping 0
ip addr add 10.0.0.1/24 dev xenbr0
ip link set xenbr0 up
netback_start
xloop create "$(nic_config a 1)" && quiet a && in_guest a ip addr add 10.0.0.11/24 dev eth0 || exit 1
wait_for 10 pings_soon a 10.0.0.1

# count COMMAND...: what dom0 and the guest asked of the hypervisor meanwhile, as counted.json.
count() {
	xloop stats --json >"$WORK/before"
	"$@" >"$WORK/out" 2>&1 || return 1
	xloop stats --json >"$WORK/after"
	jq -n --slurpfile b "$WORK/before" --slurpfile a "$WORK/after" '
		def by($s; $d; $k): $s[0][] | select(.domid == $d) | .by[$k];
		def grew($d; $k): by($a; $d; $k) - by($b; $d; $k);
		{copy_calls: grew(0; "copy_calls"), bytes: grew(0; "copy_bytes"), maps: (grew(0; "map_ops") + grew(0; "unmap_ops")),
		notifies: (grew(0; "notifies") + grew(1; "notifies"))}' >"$WORK/counted.json"
}
counted() {
	jq -e "$1" "$WORK/counted.json"
}
# The worker's system calls, counted by strace while COMMAND runs.
calls() {
	local tracer
	strace -f -c -U calls,name -o "$WORK/strace" -p "$(net_worker a)" 2>/dev/null &
	tracer=$!
	sleep 0.3
	"$@" >"$WORK/out" 2>&1
	kill -INT $tracer
	wait $tracer
	awk '$2 == "total" { print $1 }' "$WORK/strace"
}

for way in "" -R; do
	what="TCP ${way:+to }${way:-from }the guest"
	what=${what/-R/}
	iperf_server host
	ok "$what" count in_guest a iperf3 -c 10.0.0.1 -n 500M $way
	ok "  at most one copy call for 16 pages" counted '.copy_calls <= .bytes / 4096 / 16'
	ok "  at most 0.05 notifications, both ways, for 1500 bytes" counted '.notifies <= .bytes / 1500 * 0.05'
	ok "  no page is mapped" counted '.maps == 0'
	iperf_server host
	got=$(calls in_guest a iperf3 -c 10.0.0.1 -n 100M $way)
	ok "  at most 0.1 system calls of the worker for 1500 bytes ($got for 100 MiB)" [ "$got" -le $((104857600 / 15000)) ]
done

sleep 1
before=$(xloop stats --json)
strace -f -o "$WORK/strace" -p "$(net_worker a)" -p "$NETBACK_PID" 2>/dev/null &
tracer=$!
sleep 0.3
noise='unfinished|restart_syscall|attached'
lines=$(grep -vcE "$noise" "$WORK/strace")
sleep 2
is "$(grep -vcE "$noise" "$WORK/strace")" "$lines" "an idle NIC: no system call in two seconds, of worker and supervisor" ||
	diag "$(tail -n 20 "$WORK/strace")"
kill -INT $tracer
wait $tracer
is "$(xloop stats --json | jq -c '[.[].by]')" "$(jq -c '[.[].by]' <<<"$before")" "and nothing is asked of the hypervisor, by the guest either"
