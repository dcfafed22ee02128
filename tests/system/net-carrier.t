#!/bin/bash
# SPDX-License-Identifier: MIT
# The guest's link is what the host has made of its vif: down with it, and up again.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 5

bridge_make
netback_start
nic_guest a 1 || exit 1
vif=vif$(domid_of a).0
link_is() { # up|down
	in_guest a ip -o link show eth0 | grep -q "$1"
}
ok "the guest's interface has a carrier" wait_for 5 link_is LOWER_UP
ip link set "$vif" down
ok "the host takes the vif down: none" wait_for 5 link_is NO-CARRIER
is "$(vif_node a 0 carrier)" 0 "as the backend's node says"
ip link set "$vif" up
ok "and up: it has one again" wait_for 5 link_is LOWER_UP
ok "and packets pass" wait_for 10 pings_soon a 10.0.0.1
