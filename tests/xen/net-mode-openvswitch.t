#!/bin/bash
# SPDX-License-Identifier: MIT
#
# mode = openvswitch, with the kernel's datapath: two stock guests on a switch, then in VLANs by tag and trunk.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net-mode.sh"
xen_test 20

switch_make() {
	mkdir -p /run/openvswitch "$WORK/ovs"
	export OVS_RUNDIR=/run/openvswitch OVS_DBDIR=$WORK/ovs OVS_LOGDIR=$WORK/ovs
	ovsdb-tool create "$WORK/ovs/conf.db" /usr/share/openvswitch/vswitch.ovsschema
	ovsdb-server "$WORK/ovs/conf.db" --remote=punix:/run/openvswitch/db.sock --log-file --detach --pidfile 2>/dev/null
	ovs-vsctl --no-wait init
	ovs-vswitchd --log-file --detach --pidfile 2>/dev/null
	ovs-vsctl add-br ovs0 -- add-port ovs0 eth0
	ip link set ovs0 up
}

NET_PREPARE=switch_make
net_mode 'mode = openvswitch\nbridge = ovs0'
ok "a guest is created" nic_guest a 'mac=00:16:3e:00:00:01,bridge=ovs0,ip=192.168.7.11 2001:db8:7::11'
ok "and another one" nic_guest b 'mac=00:16:3e:00:00:02,bridge=ovs0,ip=192.168.7.12 2001:db8:7::12'
nic_address a 192.168.7.11/24 2001:db8:7::11/64 >/dev/null
nic_address b 192.168.7.12/24 2001:db8:7::12/64 >/dev/null
connected 192.168.7.11 2001:db8:7::11 192.168.7.12 2001:db8:7::12
spoofs

vif_again() { # GUEST BRIDGE
	local domid
	domid=$(xl domid "$1")
	xenstore-write "/local/domain/0/backend/vif/$domid/0/bridge" "$2"
	env XENBUS_PATH="backend/vif/$domid/0" vif="vif$domid.0" /etc/xen/scripts/halfback/vif-openvswitch online type_if=vif
}
ok "both in VLAN 10, one by a trunk whose own it is" eval 'vif_again a ovs0.10 && vif_again b ovs0.10:20'
ok "reach each other" guest_reaches a 192.168.7.12
vif_again b ovs0.30 >/dev/null
not_ok "in VLANs of their own they don't" guest_run a 'ping -c 2 -W 2 192.168.7.12'
comes_and_goes 'bridge=ovs0 ip=192.168.7.13'

# Else the switch takes the eth0 of the next test in this boot.
ovs-vsctl del-br ovs0
for daemon in ovs-vswitchd ovsdb-server; do
	pid=$(cat /run/openvswitch/$daemon.pid)
	kill "$pid"
	wait_for 10 is_gone "$pid"
done
