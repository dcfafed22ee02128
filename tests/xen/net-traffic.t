#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Stock netfront of a PV guest with two queues, and of another with one: ping, DHCP, TCP and UDP in both directions,
# guest to guest, jumbo frames, offloads on and off.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
xen_test 23

NET_MTU=9000 net_start --queues=2
dom0_serves
GUEST_VCPUS=2
ok "a guest of two vCPUs is created" bridge_guest a 1 pv mtu=9000
GUEST_VCPUS=1
ok "and a guest of one" bridge_guest b 2 pv mtu=9000
guest_serves b
is "$(guest_run a 'ls -d /sys/class/net/eth0/queues/tx-* | wc -l')" 2 "the first has two queues"
is "$(guest_run b 'ls -d /sys/class/net/eth0/queues/tx-* | wc -l')" 1 "the second has one"
ok "IPv6 to dom0" guest_reaches a fd00::1
ok "guest to guest" guest_reaches a 10.0.0.12
ok "TCP to dom0" tcp_from a 10.0.0.1
ok "TCP from dom0" tcp_from a 10.0.0.1 -R
ok "four streams" tcp_from a 10.0.0.1 -P 4
ok "TCP of IPv6" tcp_from a fd00::1
ok "TCP guest to guest" tcp_from a 10.0.0.12
ok "and back" tcp_from a 10.0.0.12 -R
ok "UDP to dom0" tcp_from a 10.0.0.1 -u -b 20M
ok "UDP from dom0" tcp_from a 10.0.0.1 -R -u -b 20M
# Stock netfront does not look at the node mtu, so its admin does.
ok "jumbo frames: the guests take them" eval "guest_run a 'ip link set eth0 mtu 9000' && guest_run b 'ip link set eth0 mtu 9000'"
ok "and they pass whole" guest_run a "packets() { sed -n 's/^ *eth0: *[0-9]* *\\([0-9]*\\) .*/\\1/p' /proc/net/dev ; } ;
	old=\$(packets) ; ping -c 10 -i 0.1 -s 8900 10.0.0.12 && [ \$((\$(packets) - old)) -lt 40 ]"
ok "TCP of them" tcp_from a 10.0.0.12
for feature in tso tx; do
	ok "$feature off in the guest: TCP" eval "guest_run a 'ethtool -K eth0 $feature off' >/dev/null && tcp_from a 10.0.0.1"
	ok "$feature off on the vif: TCP" eval "ethtool -K vif$(xl domid a).0 $feature off && tcp_from a 10.0.0.1 -R"
done
printf 'start 10.0.0.50\nend 10.0.0.60\ninterface xenbr0\nlease_file %s\npidfile %s\nopt subnet 255.255.255.0\n' \
	"$WORK/leases" "$WORK/udhcpd.pid" >"$WORK/udhcpd.conf"
touch "$WORK/leases"
busybox udhcpd "$WORK/udhcpd.conf"
like "$(guest_run b 'udhcpc -i eth0 -n -q -t 5 -s /bin/true 2>&1')" 'lease of 10.0.0.5.* obtained' "DHCP"
is "$(lsmod | grep -c xen_netback)" 0 "the kernel's backend is not loaded"
