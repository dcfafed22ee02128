#!/bin/bash
# SPDX-License-Identifier: MIT
#
# mode = route: two stock guests, each other, the LAN and the outside, both ways; also by xl.conf's own words, gatewaydev and script.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net-mode.sh"
xen_test 19

net_mode 'mode = route\nnetdev = eth0'
ok "a guest is created" nic_guest a 'mac=00:16:3e:00:00:01,ip=192.168.7.11 2001:db8:7::11'
ok "and another one, by script= and gatewaydev=" nic_guest b 'mac=00:16:3e:00:00:02,script=halfback/vif-route,gatewaydev=eth0,ip=192.168.7.12 2001:db8:7::12'
nic_address a 192.168.7.11/24 2001:db8:7::11/128 via 192.168.7.2 fe80::1 >/dev/null
nic_address b 192.168.7.12/24 2001:db8:7::12/128 via 192.168.7.2 fe80::1 >/dev/null
connected 192.168.7.11 2001:db8:7::11 192.168.7.12 2001:db8:7::12
ok "the LAN reaches a guest, IPv4" wait_for 20 in_ns lan ping -n -c 1 -W 2 192.168.7.12
ok "and IPv6" wait_for 20 in_ns lan ping -n -c 1 -W 2 2001:db8:7::12
spoofs
comes_and_goes 'ip=192.168.7.13'
