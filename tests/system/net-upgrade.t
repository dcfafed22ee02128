#!/bin/bash
# SPDX-License-Identifier: MIT
# halfback upgrade: a newly installed netback takes over a guest's NIC, or all NICs and the daemon itself, under TCP.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 14

NETBACK=$WORK/netback
program_install "$BUILD/netback" "$NETBACK" 1
bridge_make
netback_start
nic_guest a 1 && nic_guest b 2 || exit 1
pings_soon host 10.0.0.11
pings_soon host 10.0.0.12
iperf_server b
in_guest a iperf3 -c 10.0.0.12 -t 600 -b 200M --forceflush >"$WORK/bulk" 2>&1 &
bulk=$!

states() {
	xenstore-read "$VIF_BE/1/0/state" /local/domain/1/device/vif/0/state "$VIF_BE/2/0/state" \
		/local/domain/2/device/vif/0/state | xargs
}
rx_bytes() {
	in_guest b sh -c "sed -n 's/.*eth0: *\([0-9]*\) .*/\1/p' /proc/net/dev"
}
got_more() { # THAN
	[ "$(rx_bytes)" -gt $(($1 + 3000000)) ]
}
check_world() { # DAEMON WORKER-A WORKER-B: versions
	is "$(program_word "$NETBACK_PID") $(program_word "$(net_worker a)") $(program_word "$(net_worker b)")" "$1 $2 $3" \
		"  netback and the two workers are of versions $1, $2, $3"
	is "$(states)" "4 4 4 4" "  all states stay 4"
	ok "  the TCP connection goes on" wait_for 20 got_more "$(rx_bytes)"
}
check_world 1 1 1
program_install "$BUILD/netback" "$NETBACK" 2
is "$(halfback upgrade a 2>&1)" "1 NIC of this guest goes on with the new program" "one guest"
check_world 1 2 1
program_install "$BUILD/netback" "$NETBACK" 3
is "$(halfback upgrade --all 2>&1)" "2 NICs of all guests go on with the new program" "all, and the daemon"
check_world 3 3 3
printf 'no program\n' >"$WORK/none" && chmod 755 "$WORK/none" && mv "$WORK/none" "$NETBACK"
said=$(halfback upgrade a 2>&1)
like "$? $said" "1 halfback: netback: .*nothing was changed" "what can't take over changes nothing"
is "$(net_worker a >/dev/null && states)" "4 4 4 4" "  and the NICs go on"
ok "the connection was one all the time" kill -0 $bulk
kill $bulk
kill "$NETBACK_PID"
