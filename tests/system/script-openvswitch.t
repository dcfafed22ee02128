#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # text that is not for this shell
# Open vSwitch: ports with tag, trunk and the guest's ids; switches that are not there, and bad words, are named; offline takes the port away.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 15

mkdir -p /run/openvswitch
export OVS_RUNDIR=/run/openvswitch OVS_DBDIR=$WORK OVS_LOGDIR=$WORK
ovsdb-tool create "$WORK/conf.db" /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server "$WORK/conf.db" --remote=punix:/run/openvswitch/db.sock --log-file="$XLOOP_DIR/ovsdb.log" --detach --pidfile 2>/dev/null
ovs-vsctl --no-wait init
ovs-vswitchd --log-file="$XLOOP_DIR/ovs.log" --detach --pidfile 2>/dev/null
guest a 7 bridge=ovs0
guest b 8 bridge=ovs0.10
before=$(census)
like "$(vif openvswitch online 7)" 'there is no switch ovs0; make it: ovs-vsctl add-br ovs0' "a switch that is not there is named"
like "$(network openvswitch start bridge=ovs0)" 'there is no switch ovs0; make it' "by network-openvswitch, too"
ovs-vsctl add-br ovs0 -- set bridge ovs0 datapath_type=netdev
ok "which starts once it is there" network openvswitch start bridge=ovs0

ovs() { ovs-vsctl --bare "$@" | tr '\n' ' '; }
xenstore-write /local/domain/7/vm /vm/7 /vm/7/name "web;x" /vm/7/uuid 1234-56
ok "a vif goes online" vif openvswitch online 7
is "$(ovs list-ports ovs0)" "vif7.0 " "as a port of the switch"
like "$(ovs get interface vif7.0 external_ids)" 'attached-mac="00:16:3e:00:00:07".*xen-vm-uuid="?1234-56' "with the guest's ids, but none with odd characters"
xenstore-write $VIFS/7/0/bridge ovs0.10:20:30
ok "once more, with tag and trunk" vif openvswitch online 7
is "$(ovs get port vif7.0 tag trunks vlan_mode)" "10 [20, 30] native-untagged " "which the port has"
ok "another guest goes online with a tag" vif openvswitch online 8
like "$(network openvswitch stop bridge=ovs0)" 'still serves vif7.0 vif8.0' "the network does not stop under them"
for bad in 'ovs0.x' 'ovs0:' 'ovs0:1::2' 'ovs0.5000' 'ovs 0' '$(touch /run/owned)' '.5' 'ovs0.1;x'; do
	xenstore-write $VIFS/8/0/bridge "$bad"
	vif openvswitch online 8 >/dev/null && echo "$bad was taken"
	case $(vif_node 8 hotplug-error) in *bridge=*) ;; *) echo "$bad: $(vif_node 8 hotplug-error)" ;; esac
done >"$WORK/bad"
is "$(cat "$WORK/bad"; ls /run/owned 2>/dev/null)" "" "bad words are refused with a sentence"
ok "the first guest goes offline" vif openvswitch offline 7
is "$(ovs list-ports ovs0)" "" "and no port is left"
ok "the network stops" network openvswitch stop bridge=ovs0
ovs-vsctl del-br ovs0
ovs-appctl exit --cleanup
is "$(diff <(echo "$before") <(census) | grep -v ovs)" "" "and the host is as it was"
