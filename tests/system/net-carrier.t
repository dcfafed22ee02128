#!/bin/bash
# SPDX-License-Identifier: MIT
# A vif's interface that is taken down is a link that is down to its guest, by the node `carrier`; and up again.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 6

bridge_make
netback_start
nic_guest a 1 && nic_guest b 2 || exit 1
carrier_is() { # DOMID 0|1
	node_is "$VIF_BE/$1/0/carrier" "$2"
}
ok "a guest that connects has a carrier" carrier_is 1 1
ip link set vif1.0 down
ok "its interface goes down: it is told" wait_for 5 carrier_is 1 0
ok "  and the other guest is not" carrier_is 2 1
driver_restart a >/dev/null
ok "one that connects meanwhile finds that" wait_for 5 carrier_is 1 0
ip link set vif1.0 up
ok "its interface goes up: it is told" wait_for 5 carrier_is 1 1
driver_restart a >/dev/null
nic_address a 1
ok "  and has its network" pings_soon host 10.0.0.11
