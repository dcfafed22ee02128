#!/bin/bash
# SPDX-License-Identifier: MIT
# The interface is there before the script, with the toolstack's name and MTU; it stays while the frontend comes and goes
# and netback is started anew; and it goes with its device, even if that went while netback was away.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 16

bridge_make xenbr0 9000
netback_start
nic_guest a 1 "vifname=web,mtu=9000" && nic_guest b 2 || exit 1
pings_soon host 10.0.0.11
exists() {
	[ -e "/sys/class/net/$1" ]
}
carrier_is() { # INTERFACE 0|1
	[ "$(cat "/sys/class/net/$1/carrier")" = "$2" ]
}
ok "the interface has the name that vifname says" exists web
not_ok "and no other" exists vif1.0
is "$(cat /sys/class/net/web/mtu)" 9000 "the MTU of its specification"
is "$(cat /sys/class/net/web/address)" fe:ff:ff:ff:ff:ff "and netback's MAC address"
index=$(cat /sys/class/net/web/ifindex)
kill "$(driver_of a)"
vif_state a 0 6
ok "a frontend that closes leaves it without carrier" wait_for 5 carrier_is web 0
is "$(basename "$(readlink /sys/class/net/web/master)")" xenbr0 "in its bridge"
netback_stop
ok "netback ends: it stays" exists web
netback_start
driver_restart a >/dev/null
nic_address a 1
ok "a new netback and a new frontend: traffic" pings_soon host 10.0.0.11
ok "over the same interface" [ "$(cat /sys/class/net/web/ifindex)" = "$index" ]
netback_stop
xenstore-rm "$VIF_BE/2/0"
ok "a device that goes while netback is away leaves its interface" exists vif2.0
netback_start
gone() {
	! exists "$1"
}
ok "which the next netback deletes" wait_for 5 gone vif2.0
ok "and not the others" exists web
ok "NICs can be detached" xloop network-detach a 0
ok "the interface goes with them" wait_for 5 gone web
nothing_left() {
	[ -z "$(find "$HALFBACK_RUN_DIR" -name 'netback-*')" ]
}
ok "and nothing is left in /run" wait_for 5 nothing_left
is "$(find /sys/class/net/ -mindepth 1 -printf "%f\\n" | sort | xargs)" "lo xenbr0" "nor in the host's network"
