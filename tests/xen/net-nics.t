#!/bin/bash
# SPDX-License-Identifier: MIT
#
# network-bridge under a bond and under a VLAN interface, side by side, on a kernel that has both: addresses and routes are
# carried, the bond keeps its NICs, the VLAN its tag, and stop gives all of it back.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net-mode.sh"
xen_test 15

net_install
lan_make
ip netns add bonded
for nic in 1 2; do
	ip link add "eth$nic" type veth peer name "nic$nic" netns bonded
done
ip link add bond0 type bond mode active-backup miimon 100
ip -n bonded link add bond0 type bond mode active-backup miimon 100
for nic in 1 2; do
	ip link set "eth$nic" master bond0
	ip -n bonded link set "nic$nic" master bond0
done
ip link set bond0 up
ip -n bonded link set bond0 up
ip addr add 192.168.8.2/24 dev bond0
ip -n bonded addr add 192.168.8.1/24 dev bond0
ip route add 10.8.0.0/16 via 192.168.8.1
ip link add link eth0 name eth0.5 type vlan id 5
ip link set eth0.5 up
ip -n lan link add link nic name nic.5 type vlan id 5
ip -n lan link set nic.5 up
ip addr add 192.168.5.2/24 dev eth0.5
ip addr add 2001:db8:5::2/64 dev eth0.5 nodad
ip -n lan addr add 192.168.5.1/24 dev nic.5
ip -n lan addr add 2001:db8:5::1/64 dev nic.5 nodad
reaches() { wait_for 20 ping -n -c 1 -W 2 "$1"; }
reaches 192.168.8.1
before=$(census | sort)

ok "a bond goes under a bridge" network bridge start netdev=bond0 bridge=xenbr8
ok "and a VLAN interface under another one" network bridge start netdev=eth0.5 bridge=xenbr5
is "$(xargs </sys/class/net/bond0/bonding/slaves)" "eth1 eth2" "the bond has kept its NICs"
is "$(ip -br addr show xenbr8 | awk '{ print $3 }')/$(ip -4 -br addr show bond0 | awk '{ print $3 }')" 192.168.8.2/24/ "the bridge has its address"
like "$(ip route show 10.8.0.0/16)" 'via 192.168.8.1 dev xenbr8' "and its routes"
ok "the other end of the bond is reached" reaches 192.168.8.1
like "$(ip -d link show eth0.5)" 'vlan protocol 802.1Q id 5' "the VLAN has kept its tag"
ok "its other end is reached, IPv4" reaches 192.168.5.1
ok "and IPv6" reaches 2001:db8:5::1
ok "and the NIC below it as before" reaches 192.168.7.1
ip link set eth1 down
ok "the bond's other NIC takes over under the bridge" reaches 192.168.8.1
ip link set eth1 up
ok "both stop" eval 'network bridge stop bridge=xenbr8 && network bridge stop bridge=xenbr5'
ok "and are reached as before" eval 'reaches 192.168.8.1 && reaches 192.168.5.1'
ok "also by IPv6" reaches 2001:db8:5::1
is "$(diff <(echo "$before") <(census | sort))" "" "and dom0 is as it was"
ip link del eth0.5
ip link del bond0
ip netns del bonded
ip netns del lan
wait_for 10 eval '[ ! -e /sys/class/net/eth0 ]'
