#!/bin/bash
# SPDX-License-Identifier: MIT
# vlan= of a bridged vif becomes what bridge(8) is told for its port; a bridge that tells no VLANs apart is named.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 9

bridge_make
guest a 7 vlan=10p/20/30-39u/100+10x2
like "$(vif bridge online 7)" 'vlan=.*the bridge xenbr0 does not tell VLANs apart; say: ip link set xenbr0 type bridge vlan_filtering 1' "a bridge without vlan_filtering is named, with the remedy"
is "$(ls /sys/class/net/xenbr0/brif)" "" "and the vif is no port of it"

# Not every kernel that tests run on filters VLANs (tests/xen/net-mode-bridge.t is on one that does): here only what is asked for.
mount -t tmpfs none /sys/class/net/xenbr0/bridge
echo 1 >/sys/class/net/xenbr0/bridge/vlan_filtering
stub bridge <<END
#!/bin/sh
[ ! -e /run/refuse ] || { echo "RTNETLINK answers: Operation not supported" >&2; exit 1; }
cat >$WORK/asked
END
asked() { # VLAN
	xenstore-write $VIFS/7/0/vlan "$1"
	vif bridge online 7 >/dev/null && sed 's/dev vif7.0 //; s/^ *//; s/ *$//; /^$/d' "$WORK/asked" | tr '\n' ';'
}
is "$(asked 10)" "vlan del vid 1-4094;vlan add vid 10 pvid untagged;" "one VLAN is the port's own"
is "$(asked 10p/20)" "vlan del vid 1-4094;vlan add vid 10 pvid untagged;vlan add vid 20;" "another one leaves with its tag"
is "$(asked 10p/30-39u)" "vlan del vid 1-4094;vlan add vid 10 pvid untagged;vlan add vid 30-39 untagged;" "a range, without tags"
is "$(asked 5p/100+10x2)" "vlan del vid 1-4094;vlan add vid 5 pvid untagged;vlan add vid 100;vlan add vid 110;vlan add vid 120;" "and steps"
like "$(ls /sys/class/net/xenbr0/brif)" 'vif7.0' "the vif is a port of the bridge then"
touch /run/refuse
like "$(vif bridge online 7)" "vlan=5p/100.10x2: can't set up vif7.0: .*not supported" "what bridge says against it is handed on"
is "$(ls /sys/class/net/xenbr0/brif; nft list ruleset)" "" "and nothing is left"
