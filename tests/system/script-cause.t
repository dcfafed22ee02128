#!/bin/bash
# SPDX-License-Identifier: MIT
# A vif that can't be set up: hotplug-error has the true cause and its remedy, not that of a later step.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 13

cause() { # SCRIPT DOMID REGEX DESCRIPTION
	not_ok "$4" vif "$1" online "$2"
	like "$(vif_node "$2" hotplug-status)/$(vif_node "$2" hotplug-error)" "^error/vif-$1: $3" "and hotplug-error says why"
}

guest a 7 ip=10.0.0.7
cause route 7 'no gateway device is known.*gatewaydev=' "routed, without a gateway device or default route"
lan_make lan0
ip addr del 192.168.7.2/24 dev lan0
xenstore-write $VIFS/7/0/gatewaydev lan0
cause route 7 'the gateway device lan0 has no IPv4 address' "routed, with a gateway device without address"
xenstore-write $VIFS/7/0/gatewaydev eth9
cause route 7 'the gateway device eth9 does not exist' "routed, with a gateway device that is not there"
cause bridge 7 'there is no bridge xenbr0; .*network start' "bridged, without the bridge"
guest b 8
cause route 8 'ip= is missing' "routed, without ip="

# A device of any name is as good as eth0.
ip addr add 192.168.7.2/24 dev lan0
xenstore-write $VIFS/7/0/gatewaydev lan0
ok "with a gateway device of a predictable name it works" vif route online 7
is "$(vif_node 7 hotplug-status)" connected "and hotplug-status is connected"
ok "and offline needs no gateway device" eval 'ip link del lan0; vif route offline 7'
