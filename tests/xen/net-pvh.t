#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Stock netfront of a PVH guest: ping and TCP in both directions.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
xen_test 5

net_start
dom0_serves
ok "a PVH guest is created" bridge_guest a 1 pvh
ok "IPv6" guest_reaches a fd00::1
ok "TCP to dom0" tcp_from a 10.0.0.1
ok "TCP from dom0" tcp_from a 10.0.0.1 -R
is "$(lsmod | grep -c xen_netback)" 0 "the kernel's backend is not loaded"
