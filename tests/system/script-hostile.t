#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # text that is not for this shell
# Hostile values in the store: each is refused with a sentence, runs nothing, and touches no other guest and not the host.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 142

lan_make
bridge_make
guest a 7 ip=192.168.7.77 gatewaydev=eth0
guest b 8 ip=192.168.7.88 gatewaydev=eth0
vif route online 7 >/dev/null
before=$(census)
long=$(printf 'x%.0s' {1..300})

refused() { # SCRIPT KEY VALUE
	local value
	printf -v value '%b' "$3"
	nodes 8 ip=192.168.7.88 gatewaydev=eth0 bridge=xenbr0 "mac=$(guest_mac 8)" vifname= vlan= mtu=
	xenstore-write "$VIFS/8/0/$2" "$value"
	not_ok "$1 with $2=${3:0:40} does not go online" vif "$1" online 8
	like "$(vif_node 8 hotplug-status)/$(vif_node 8 hotplug-error)" "^error/vif-$1: .*${4:-$2}" "and says why"
	vif "$1" offline 8 >/dev/null
}

for name in 'a b' ';reboot' '$(touch /run/owned)' '`touch /run/owned`' 'x\nlink set lo down' ../../etc/x '*' "$long" 'vif7.0' eth0 'a"b' '{'; do
	refused bridge vifname "$name"
done
for name in 'xen br0' 'xenbr0;reboot' '$(touch /run/owned)' 'xenbr0\nlink set eth0 down' "$long" eth0 nobridge ../lo '*'; do
	refused bridge bridge "$name" bridge
done
for ip in '10.0.0.1; reboot' '$(touch /run/owned)' '10.0.0.1\n10.0.0.2;x' 10.0.0.256 10.0.0.1/33 1.2.3 010.0.0.1 :::1 2001:db8::/129 "$long" \
	'10.0.0.1/' '*' 192.168.7.2 2001:db8:7::2; do
	refused bridge ip "$ip"
done
for ip in 192.168.7.77 192.168.7.64/26 192.168.7.1 192.168.7.2 192.168.7.0/24 0.0.0.0/0 ::/0 2001:db8:7::1; do
	refused route ip "$ip" 'ip=: .*(routed to vif7.0|host.s own address|host.s router)'
done
for mac in 00:16:3e:00:00 '00:16:3e:00:00:0x' 01:00:5e:00:00:01 ff:ff:ff:ff:ff:ff '00:16:3e:00:00:08; reboot' '' "$long" '$(touch /run/owned)'; do
	refused bridge mac "$mac"
done
for gateway in 'eth0 eth1' '$(touch /run/owned)' 'eth0\nlink set lo down' "$long" 'eth0;x'; do
	refused route gatewaydev "$gateway"
done
for mtu in 0 1e3 '1500;x' 99999999 '$(touch /run/owned)'; do
	refused bridge mtu "$mtu"
done
for vlan in '10;x' 0 4095 10-5 '10p/20p' '10/20' '$(touch /run/owned)' '10\n20' 1+1x9999; do
	refused bridge vlan "$vlan"
done
not_ok "none of it was run" test -e /run/owned
is "$(diff <(echo "$before") <(census))" "" "the host and the other guest are as they were"
