#!/bin/bash
# SPDX-License-Identifier: MIT
# The hypervisor refuses what netback asks for: copies, single or as a whole, with errors or "again", and maps of rings.
# The packets of those copies are lost and told of, both ways, no other is, none comes twice; nothing stays mapped
# (XSA-361, 362, 365, 367, 371).
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 20

bridge_make
netback_start --queues=2 --restarts=0
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
beside_start
ip link set vif1.0 nomaster
echo 1 >/proc/sys/net/ipv6/conf/vif1.0/disable_ipv6
census() {
	xloop stats --json 0 | jq -c '[.maps, .ports]'
}
base=$(census)
is_as_before() {
	[ "$(census)" = "$base" ]
}

# What of 3000 packets was lost, as "sent - came", is what the guest was told of, and what is counted; and the sink's
# numbers: out of order (come twice, too), corrupt.
to_guest() { # FAULT COUNT
	: >"$WORK/err"
	xloop exec a -- netload --dev=0 --sink --verify --json >"$WORK/sink" 2>"$WORK/err" &
	sink=$!
	wait_for 10 grep -q connected "$WORK/err"
	xloop fault a "$1" "$2"
	netload --interface=vif1.0 --verify --json --count=3000 --rate=5000 --size=1000 >"$WORK/send" 2>/dev/null
	wait_for 5 all_have_ended
	errors=$(halfback stats --json a | jq '.nics[0].total.rx.errors')
	kill $sink
	wait $sink
	jq -r --slurpfile send "$WORK/send" --argjson errors "$errors" \
		'[$send[0].packets - .packets == .rx_errors, .rx_errors == $errors, .rx_errors, .reordered, .corrupt] | map(tostring) | join(" ")' \
		"$WORK/sink"
}
all_have_ended() {
	[ "$(halfback stats --json a | jq '.nics[0].total.rx.requests')" = "$(jq .packets "$WORK/send")" ]
}
from_guest() { # FAULT COUNT
	local before
	before=$(cat /sys/class/net/vif1.0/statistics/rx_packets)
	netload --interface=vif1.0 --sink --verify --json >"$WORK/sink" 2>/dev/null &
	sink=$!
	xloop fault a "$1" "$2"
	in_guest a netload --dev=0 --verify --json --count=3000 --rate=5000 --size=1000 >"$WORK/send" 2>/dev/null
	wait_for 5 went_out "$before"
	kill $sink
	wait $sink
	jq -r --slurpfile send "$WORK/send" '[$send[0].packets - .packets == $send[0].tx_errors, $send[0].tx_errors, .reordered, .corrupt] |
		map(tostring) | join(" ")' "$WORK/sink"
}
went_out() { # SINCE
	[ $(($(cat /sys/class/net/vif1.0/statistics/rx_packets) - $1)) = $((3000 - $(jq .tx_errors "$WORK/send"))) ]
}
for n in 1 9; do
	[ $n = 1 ] || worker=$(net_worker a)
	is "$(to_guest copy $n)" "true true $n 0 0" "to the guest, $n copies refused: so many packets lost, and told of"
	is "$(to_guest copy-eagain $n)" "true true $n 0 0" "  $n that should be tried again: the same"
	is "$(from_guest copy $n)" "true $n 0 0" "from the guest, $n copies refused"
	is "$(from_guest copy-eagain $n)" "true $n 0 0" "  $n that should be tried again"
done
for n in 1 5; do
	like "$(to_guest copy-call $n)" "^true true [1-9][0-9]* 0 0\$" "to the guest, $n calls that fail as a whole"
	like "$(from_guest copy-call $n)" "^true [1-9][0-9]* 0 0\$" "from the guest, $n of them"
done
xloop fault a copy-call 0
wait_for 5 is_as_before
is "$(census)" "$base" "nothing stays mapped or bound"

# Each of the maps that a connection of two queues and a control ring needs.
for n in 1 2 3; do
	xloop fault a map "$n"
	timeout 20 xloop exec a -- "$BUILD/tests/nethostile" 0 --queues=2 connect >"$WORK/out" 2>&1
	xloop fault a map 0
	like "$(xenstore-read /local/domain/0/error/backend/vif/1/0/error 2>/dev/null)" "ring that the guest granted: Cannot allocate memory" \
		"a connection of which $n maps fail is refused in a sentence"
done
is "$(xloop exec a -- "$BUILD/tests/nethostile" 0 --queues=2 good 2>/dev/null)" "good 0" "the next one connects"
wait_for 5 is_as_before
is "$(census)" "$base" "nothing stays mapped or bound"
is "$(net_worker a)" "$worker" "the worker is the same all the time"
kill $beside
# shellcheck disable=SC2016 # of awk's
ok "and the guest beside lost no packet" awk -F'icmp_seq=' 'NF > 1 { n++; last = $2 + 0 } END { exit !(n > 3 && n == last) }' \
	"$WORK/ping"
