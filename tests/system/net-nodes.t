#!/bin/bash
# SPDX-License-Identifier: MIT
# A frontend's nodes that are missing, wrong or of somebody else are refused with a sentence, and the next frontend can
# connect; what the toolstack writes wrongly is refused, too.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 22

bridge_make
netback_start --queues=2
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
error() {
	xenstore-read /local/domain/0/error/backend/vif/1/0/error 2>/dev/null
}
# refused DESCRIPTION SENTENCE KEY=VALUE...: a frontend that writes these over its own, KEY- leaving one out.
refused() {
	local what=$1 sentence=$2
	shift 2
	xloop exec a -- "$BUILD/tests/nethostile" 0 "${@/#/--key=}" connect >"$WORK/out" 2>&1
	like "$(error)" "$sentence" "$what"
}
refused "no queues" "multi-queue-num-queues is no number from 1 to 2" multi-queue-num-queues=0
refused "more queues than there are" "multi-queue-num-queues is no number" multi-queue-num-queues=3
refused "a huge number of them" "multi-queue-num-queues is no number" multi-queue-num-queues=9999
refused "less than none" "multi-queue-num-queues is no number" multi-queue-num-queues=-1
refused "no number" "multi-queue-num-queues is no number" multi-queue-num-queues=1x
refused "two queues that are not there" "tx-ring-ref of queue 0 is missing" multi-queue-num-queues=2
refused "no request-rx-copy" "does not write request-rx-copy=1" request-rx-copy-
refused "request-rx-copy=0" "does not write request-rx-copy=1" request-rx-copy=0
refused "no TX ring" "tx-ring-ref of queue 0 is missing" tx-ring-ref-
refused "no RX ring" "rx-ring-ref of queue 0 is missing" rx-ring-ref-
refused "a ring that is no number" "tx-ring-ref of queue 0 is no grant reference" tx-ring-ref=page
refused "a ring that was not granted" "map the TX ring" tx-ring-ref=60000
refused "both rings in one page" "rx-ring-ref of queue 0 is a page that a ring has already" tx-ring-ref=8 rx-ring-ref=8
refused "no event channel" "neither event-channel-tx and -rx nor event-channel" event-channel-tx- event-channel-rx-
refused "an event channel that there is not" "bind the guest's event channel" event-channel-tx=4000 event-channel-rx=4000
refused "one that can't be" "event-channel-tx is no event channel" event-channel-tx=1000000
refused "half a control ring" "ctrl-ring-ref and event-channel-ctrl are no control ring" event-channel-ctrl-
is "$(xloop exec a -- "$BUILD/tests/nethostile" 0 good 2>/dev/null)" "good 0" "a frontend that writes all of it connects"
is "$(error)" "" "and no error is left"

# The toolstack's.
vif() { # DEVID KEY=VALUE...
	xloop network-attach a "devid=$1,mac=00:16:3e:00:01:0$1,$2" >"$WORK/attach" 2>&1
}
ip link add mine type veth peer name mine2
not_ok "a vifname that is somebody's interface is refused" vif 1 vifname=mine
like "$(cat "$WORK/attach")" "An interface with name mine already exists" "by the script, with a sentence"
ok "and that interface is as it was" sh -c "ip -d link show mine | grep -q veth"
