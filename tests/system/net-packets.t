#!/bin/bash
# SPDX-License-Identifier: MIT
# Raw packets of many sizes, each checked for its content and its place: none is damaged and none changes places with
# another.  A busy machine may lose some, for a guest that does not take them in time has no room for more.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 22

bridge_make xenbr0 9000
netback_start --queues=2
export XLOOP_XNET=none
xloop create "$(nic_config a 1 mtu=9000)" && xloop create "$(nic_config b 2 mtu=9000)" || exit 1

# A sink in the background, its place and its options; it is ready then.
sink_start() { # PLACE NETLOAD-OPTION...
	: >"$WORK/err"
	at "$1" netload --sink --verify --json --count=5000 --runtime=3 "${@:2}" >"$WORK/sink" 2>"$WORK/err" &
	SINK=$!
	wait_for 10 grep -q connected "$WORK/err"
}
# pass SIZE [OPTION...]: 5000 packets from a to b.
pass() {
	sink_start b --dev=0 "${@:2}"
	in_guest a netload --dev=0 --verify --count=5000 --rate=10000 --size="$1" --to="$(mac_of 2)" "${@:2}" 2>&1
	wait $SINK
}
verdict() {
	jq -r '[.packets > 2500, .packets + .lost <= 5000, .corrupt, .reordered] | map(tostring) | join(" ")' "$WORK/sink"
}

for size in 60 61 1514 4096 4097 9014; do
	ok "5000 packets of $size bytes" pass $size
	is "$(verdict)" "true true 0 0" \
		"come whole and in their places"
done
for option in --headroom=256 --one-channel --staging; do
	ok "with $option" pass 3000 $option
	is "$(verdict)" "true true 0 0" \
		"they come just as well"
done

# The other end on the host.
sink_start a --dev=0
ok "packets from the host's end" netload --interface="vif$(domid_of a).0" --verify --count=5000 --rate=10000 \
	--to="$(mac_of 1)"
wait $SINK
is "$(verdict)" "true true 0 0" "come whole and in their places"
sink_start host --interface="vif$(domid_of b).0"
ok "packets to the host's end" in_guest b netload --dev=0 --verify --count=5000 --rate=10000
wait $SINK
is "$(verdict)" "true true 0 0" "come whole and in their places"
