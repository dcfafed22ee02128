#!/bin/bash
# SPDX-License-Identifier: MIT
# No packet is lost without being counted: what was sent is what came, and what the interface's queue, the guest's ring
# and refused copies have dropped, to the packet, at any load.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 13

bridge_make
netback_start --queues=2 --rx-drain-ms=200
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
ip link set vif1.0 nomaster
echo 1 >/proc/sys/net/ipv6/conf/vif1.0/disable_ipv6 # it would send packets of its own
of_nic() { # JQ
	halfback stats --json a | jq -r ".nics[0] | $1"
}
of_vif() { # COUNTER, of the kernel
	cat "/sys/class/net/vif1.0/statistics/$1"
}
field() { # FILE KEY
	jq -r ".$2" "$WORK/$1"
}
sink_start() {
	: >"$WORK/err"
	xloop exec a -- netload --dev=0 --sink --json >"$WORK/sink" 2>"$WORK/err" &
	SINK=$!
	wait_for 10 grep -q connected "$WORK/err"
}
sink_end() {
	kill $SINK
	wait $SINK
}
send() { # NETLOAD-OPTION...
	netload --interface=vif1.0 --json "$@" >"$WORK/send" 2>/dev/null
}
all_seen() { # packets that the interface took, since it is there
	[ "$(of_nic .total.rx.requests)" = $(($(of_vif tx_packets) - base)) ]
}
base=$(of_vif tx_packets)

# More than the guest can take: the interface's queue is full, and what it dropped is what the sender was refused.
sink_start
dropped=$(of_vif tx_dropped)
send --runtime=1
ok "each packet that the interface took has an end" wait_for 5 all_seen
is "$(of_nic .total.rx.errors)" 0 "none of them was dropped by netback"
ok "the interface dropped some ($(field send errors))" [ "$(field send errors)" -gt 0 ]
is "$(of_nic .interface_dropped)" $((dropped + $(field send errors))) "and counted them all, which halfback shows"
like "$(halfback stats a)" "dropped before, by its interface, whose queue was full: $(of_nic .interface_dropped)" "to people, too"
like "$(halfback stats --prometheus)" "halfback_nic_interface_dropped_total\{[^}]*\} $(of_nic .interface_dropped)" "and to Prometheus"
sent=$(field send packets)
sink_end
is "$(field sink packets)" "$sent" "the guest got the others"

# Copies that the hypervisor refuses cost their packets, and no other.
base=$(of_vif tx_packets)
sink_start
xloop fault a copy 7
send --count=2000 --rate=5000 --size=1000
wait_for 5 all_seen
is "$(of_nic .total.rx.errors) $(field send errors)" "7 0" "7 copies refused are 7 packets, and counted"
sink_end
is "$(field sink packets) $(field sink rx_errors)" "1993 7" "which the guest is told of"

# A guest that offers no room: what waits too long is dropped.
base=$(of_vif tx_packets)
xloop exec a -- "$BUILD/tests/nethostile" 0 no-room >"$WORK/out" 2>&1 &
guest=$!
wait_for 10 grep -q connected "$WORK/out"
send --count=1500 --rate=5000
few() {
	[ "$(of_nic .total.rx.errors)" = $(($(of_vif tx_packets) - base)) ]
}
ok "packets without a slot are dropped" wait_for 5 few
is $(($(field send packets) + $(field send errors))) 1500 "each is counted, here or by its interface"
kill -USR1 $guest
wait $guest

# What a guest sends: those that can't be copied are answered with an error, the others have gone.
netload --interface=vif1.0 --sink --json >"$WORK/sink" 2>/dev/null &
SINK=$!
xloop fault a copy 9
in_guest a netload --dev=0 --count=3000 --rate=5000 --json >"$WORK/send" 2>"$WORK/err"
wait_for 5 sh -c "[ \$(cat /sys/class/net/vif1.0/statistics/rx_packets) -ge 2991 ]"
sink_end
is "$(field send tx_errors) $(field send tx_dropped)" "9 0" "9 of 3000 packets could not be copied from the guest, who is told"
is "$(field sink packets)" 2991 "the others were sent"
