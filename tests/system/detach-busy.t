#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk is detached while its guest uses it: the frontend drains, closes and tells why; the image is whole.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 10

blkback_start
disk=$(image disk.img 16M)
guest_create g "vdev=xvda,target=$disk" >/dev/null

xloop exec g -- blkload --dev=xvda --rw=randrw --verify --runtime=600 --json >"$WORK/busy" 2>"$WORK/busy.err" &
BUSY=$!
is_connected() {
	[ "$(backend_node g 51712 state 2>/dev/null)" = 4 ]
}
ok "a load runs" wait_for 10 is_connected
ok "the disk is detached under it" xloop block-detach g xvda
wait "$BUSY"
is $? 1 "the load ends with an error"
like "$(cat "$WORK/busy.err")" "the backend closed the device" "which says what happened"
is "$(jq -c '[.errors, .verify_errors]' "$WORK/busy")" "[0,0]" "no request of it was lost"
ok "the disk is gone from the store" no_node "/local/domain/0/backend/vbd/$(domid_of g)/51712/state"

ok "it is attached again" xloop block-attach g "vdev=xvda,target=$disk"
xloop exec g -- blkload --dev=xvda --hold >"$WORK/hold" 2>&1 &
HOLD=$!
wait_for 10 grep -q connected "$WORK/hold"
ok "and detached from an idle frontend" xloop block-detach g xvda
wait "$HOLD"
is $? 0 "which ends well"
like "$(xloop stats)" "Domain-0 .domain 0.: holds 1 maps" "nothing but the store's ring stays mapped"
