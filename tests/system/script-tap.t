#!/bin/bash
# SPDX-License-Identifier: MIT
# An emulated NIC (add and remove, type_if=tap) goes where its vif goes, filtered alike, and neither takes from the other what is the
# guest's.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 13

lan_make
bridge_make
guest a 7 ip=192.168.7.77 gatewaydev=eth0
ip link add vif7.0-emu type veth peer name emu netns a

tap() { # MODE add|remove
	env -i PATH="$PATH" HALFBACK_RUN_DIR="$HALFBACK_RUN_DIR" XENSTORED_PATH="${XENSTORED_PATH:-}" XENBUS_PATH=backend/vif/7/0 \
		vif=vif7.0 INTERFACE=vif7.0-emu netdev= "$SCRIPTS/vif/vif-$1" "$2" type_if=tap 2>&1
}

ip -n a link set emu up
before=$(census)
ok "bridged: the vif goes online" vif bridge online 7
xenstore-write $VIFS/7/0/hotplug-status ""
ok "and so does its emulated NIC" tap bridge add
is "$(vif_node 7 hotplug-status)" "" "of which the backend hears nothing"
is "$(nft list ruleset | grep -c 'hook ingress')" 2 "both are filtered"
is "$(bridge link | grep -c 'master xenbr0')" 2 "and ports of the bridge"
tap bridge online
is "$(bridge link | grep -c 'master xenbr0')" 2 "a script that is run for the other kind does nothing"
ok "the emulated NIC goes" tap bridge remove
is "$(nft list ruleset | grep -c 'hook ingress')" 1 "and leaves its vif"
ok "which goes, too" vif bridge offline 7

network nat start dhcp=no >/dev/null
xenstore-rm $VIFS/7/0/ip
ok "NAT: both go online" eval 'vif nat online 7 && tap nat add'
is "$(ip route | awk '/vif7/ { print $1, $3, $NF }' | sort | xargs)" "10.0.7.1 vif7.0 2 10.0.7.1 vif7.0-emu 1" "with one address, and the emulated NIC's route first"
tap nat remove >/dev/null
like "$(nft list set inet halfback nat4)" '10.0.7.1' "when the emulated NIC has gone, its vif is still translated"
vif nat offline 7 >/dev/null
network nat stop >/dev/null
is "$(diff <(echo "$before") <(census))" "" "and the host is as it was"
