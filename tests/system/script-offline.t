#!/bin/bash
# SPDX-License-Identifier: MIT
# Offline undoes what online did, whatever became of the store's keys, the bridge, the interface or the rules meanwhile.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 18

lan_make
bridge_make
guest a 7 ip="192.168.9.7 2001:db8:9::7"
network route start >/dev/null
before=$(census)

ok "bridged: goes online" vif bridge online 7
xenstore-write $VIFS/7/0/ip 10.9.9.9 $VIFS/7/0/bridge other $VIFS/7/0/vifname other
ok "offline after the keys have changed" vif bridge offline 7
is "$(census)" "$before" "leaves the host as it was"

nodes 7 bridge=xenbr0 ip="192.168.9.7 2001:db8:9::7" gatewaydev=eth0
xenstore-rm $VIFS/7/0/vifname
ok "routed: goes online" vif route online 7
xenstore-rm $VIFS/7/0
ok "offline after the directory has gone" vif route offline 7
is "$(census)" "$before" "leaves the host as it was"
not_ok "and does not make it again" xenstore-read $VIFS/7/0

guest b 8 ip=192.168.9.8
ip link del vif7.0
before=$(census)
ok "bridged: goes online" vif bridge online 8
nft flush ruleset
ip link del xenbr0
ok "offline after the rules were flushed and the bridge deleted" vif bridge offline 8
is "$(census)" "$(grep -v xenbr0 <<<"$before")" "leaves the host as it was"

bridge_make
VIF_ENV=netdev=eth0 ok "routed: goes online" vif route online 8
ip link del vif8.0
ok "offline after the interface has gone" vif route offline 8
is "$(ip neigh show proxy; nft list ruleset; planned_vifs)" "" "leaves nothing"
ok "offline without an online" vif bridge offline 8
printf 'dev vif8.0 vif8.0 1\nchain vif8.0\nmaster xenb' >$STATES/vif8.0
ok "offline with half a file, whose interface is another one" vif bridge offline 8
like "$(ip link show lo)" 'UP' "touches no interface that is not the guest's"
bridge_make xenbr1
ip link add web master xenbr1 up type veth peer name webpeer
printf 'dev vif8.0 web 9999\nmaster xenbr1\n' >$STATES/vif8.0
ok "offline of a vif whose name another interface has got since" vif bridge offline 8
like "$(ip -o link show web)" 'UP.*master xenbr1' "does not touch that one, either"
