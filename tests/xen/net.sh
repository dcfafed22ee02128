# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# NICs of stock netfront on real Xen: a bridge in dom0, which is 10.0.0.1 and fd00::1, guests on it that have iperf3, and
# traffic between them.  Sourced after lib.sh.  Guest number N of a test is 10.0.0.1N and fd00::1N.

# shellcheck source=tests/xen/net-mode.sh
. "$TOP/tests/xen/net-mode.sh"

export GUEST_IPERF=1

# net_start [NETBACK-OPTION...]
net_start() {
	net_install
	ip link add xenbr0 type bridge
	ip link set xenbr0 mtu "${NET_MTU:-1500}" up
	ip addr add 10.0.0.1/24 dev xenbr0
	ip addr add fd00::1/64 dev xenbr0 nodad
	netback_restart "$@"
}

# The next test in this boot makes its own; xen_test_end() calls it.
net_end() {
	local pid
	for pid in ${NETBACK_PID:-} ${IPERF_PID:-}; do
		kill "$pid" && wait "$pid"
	done 2>/dev/null
	ip link del xenbr0
}

netback_restart() { # [NETBACK-OPTION...]
	echo "--- $0" >>"$LOG/netback.log"
	"$BUILD/netback" -v "$@" >>"$LOG/netback.log" 2>&1 &
	NETBACK_PID=$!
}

net_worker() { # GUEST
	pgrep -P "$NETBACK_PID" -f "^netback: dom $(xl domid "$1") "
}

vif_of() { # N [XL-KEYS]
	echo "mac=00:16:3e:00:00:0$1,bridge=xenbr0,script=halfback/vif-bridge${2:+,$2}"
}

# bridge_guest NAME N pv|pvh [XL-KEYS]
bridge_guest() {
	GUEST_VIF=$(vif_of "$2" "${4:-}") guest_create "$1" "$3" && bridge_address "$1" "$2"
}

bridge_address() { # NAME N
	guest_run "$1" "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad ; ip link set lo up ; ip link set eth0 up ;
		ip addr add 10.0.0.1$2/24 dev eth0 ; ip -6 addr add fd00::1$2/64 dev eth0" && guest_reaches "$1" 10.0.0.1
}

# tcp_from GUEST ADDRESS [IPERF-OPTION...]: a client in the guest, whose server runs already.  How much is
# moved says nothing here, in emulation.
tcp_from() {
	local guest=$1 address=$2
	shift 2
	guest_run "$guest" "iperf3 -c $address -t 2 -J $* >/tmp/iperf ; cat /tmp/iperf" >"$WORK/iperf" &&
		jq -e '(.error | not) and ((.end.sum_received // .end.sum).bytes > 100000)' "$WORK/iperf"
}

dom0_serves() {
	iperf3 -s >>"$LOG/iperf.log" 2>&1 &
	IPERF_PID=$!
}

guest_serves() { # GUEST
	guest_run "$1" "iperf3 -s -D"
}
