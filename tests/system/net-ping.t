#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest on a bridge reaches the host and another guest, by IPv4 and IPv6, with packets of any size that Ethernet has.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 11

bridge_make
netback_start
ok "a guest with a NIC is created" nic_guest a 1
ok "and a second one" nic_guest b 2
ok "the guest reaches the host" pings a 10.0.0.1
ok "the host reaches the guest" pings host 10.0.0.11
ok "the guest reaches the other guest" pings a 10.0.0.12
ok "by IPv6, too" pings a fd00::12
ok "and the host by its link-local address" pings a \
	"$(ip -6 -o addr show dev xenbr0 scope link | awk '{ sub("/.*", "", $4); print $4 }')%eth0"
ok "with the largest packet" pings a 10.0.0.12 -s 1472 -M "do"
ok "with the smallest" pings a 10.0.0.12 -s 0
ok "with one that IP has to cut" pings a 10.0.0.12 -s 20000
not_ok "an address that nobody has does not answer" at a ping -n -c 1 -W 1 10.0.0.99
