#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest with ip= in its vif sends from these addresses and from its MAC address, and from no others: IPv4, ARP, IPv6 and
# neighbor discovery.  It counts from the first packet on, and can be changed while the guest runs.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 22

bridge_make
netback_start
nic_guest a 1 "ip=10.0.0.11 fd00::11" && nic_guest b 2 || exit 1
own=$VIF_BE/1/0
silent() { # PLACE ADDRESS [PING-OPTION...]
	! at "$1" ping -n -c 3 -i 0.05 -W 0.3 "${@:3}" "$2"
}
# What guest b knows of an address, after it was told what is there.
b_knows() { # ADDRESS
	in_guest b ip neigh show "$1" | grep -q lladdr
}
ok "its own address passes" pings_soon a 10.0.0.1
ok "and its own IPv6 address" pings_soon a fd00::1
ok "and its link-local one, of its MAC address" pings a "ff02::1%eth0"
ok "a guest without ip= is not looked at" pings_soon b 10.0.0.1

in_guest a ip addr add 10.0.0.77/24 dev eth0
in_guest a ip addr add fd00::77/64 dev eth0 nodad
ok "another IPv4 address does not pass" silent a 10.0.0.1 -I 10.0.0.77
ok "nor another IPv6 address" silent a fd00::1 -I fd00::77
in_guest b ip neigh flush dev eth0
ok "nobody gets an ARP answer for it" silent b 10.0.0.77
not_ok "  or learns where it is" b_knows 10.0.0.77
ok "nobody gets a neighbor advertisement for it" silent b fd00::77
not_ok "  or learns where it is" b_knows fd00::77

in_guest a ip link set eth0 address 00:16:3e:00:00:99
ok "another MAC address does not pass" silent a 10.0.0.1
in_guest a ip link set eth0 address "$(mac_of 1)"
in_guest a ip addr add fd00::11/64 dev eth0 nodad 2>/dev/null
ok "the right one again" pings_soon a 10.0.0.1

like "$(cat "$XLOOP_DIR/netback.log")" "the guest sends from an IPv4 address that is not its own" "the log says what was refused"
errors() {
	halfback stats --json a | jq '.nics[0].total.tx.errors'
}
ok "and it is counted" [ "$(errors)" -gt 5 ]

xenstore-write $own/ip "10.0.0.77 fd00::77"
ok "its list can be changed: the new address passes" wait_for 5 pings a 10.0.0.1 -I 10.0.0.77
ok "  and the old one does not" silent a 10.0.0.1 -I 10.0.0.11
xenstore-write $own/anti-spoof mac
ok "anti-spoof=mac: any IP address passes" wait_for 5 pings a 10.0.0.1 -I 10.0.0.11
in_guest a ip link set eth0 address 00:16:3e:00:00:99
ok "  another MAC address does not" silent a 10.0.0.1
xenstore-write $own/anti-spoof off
ok "anti-spoof=off: it does" pings_soon a 10.0.0.1
xenstore-write $own/anti-spoof nonsense
ok "nonsense changes nothing" wait_for 5 grep -q "vif 0 of guest 1 keeps its settings: its node anti-spoof" "$XLOOP_DIR/netback.log"
ok "  and all goes on" pings a 10.0.0.1
xenstore-write $own/anti-spoof ip $own/ip "web server"
ok "nor does a list that is none" wait_for 5 grep -q "its node ip 'web server' is no list" "$XLOOP_DIR/netback.log"
