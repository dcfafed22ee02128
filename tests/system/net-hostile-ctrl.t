#!/bin/bash
# SPDX-License-Identifier: MIT
# Messages of the control ring get the statuses of xen/io/netif.h, whatever they say (XSA-270); a broken ring closes the
# device; the worker lives.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 8

bridge_make
netback_start --queues=2 --restarts=0
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
due() { # DESCRIPTION WANT..., as CASE:RESULT
	local what=$1 pair cases=() want=()
	shift
	for pair; do
		cases+=("c-${pair%%:*}")
		want+=("c-${pair%%:*} ${pair#*:}")
	done
	is "$(timeout 60 xloop exec a -- "$BUILD/tests/nethostile" 0 --queues=2 "${cases[@]}" 2>"$WORK/err")" \
		"$(printf '%s\n' "${want[@]}")" "$what"
}

due "types that there are not" type-0:1 type-11:1
worker=$(net_worker a)
due "algorithms and flags" flags-none:1 flags:2 algorithm-9:2 algorithm:0 flags-none:0 flags-16:2 flags:0
due "keys" key:0 key-41:3 key-huge:3 key-bad-ref:2
due "a mapping's size and place (XSA-270)" size-129:2 map:3 size-128:0 map:0 map-129:3 map-at-1:3 map-wrap:3 \
	map-wrap-0:3 map-count:3 map-bad-ref:2
due "queues that there are not" size-128:0 map-queue:2
due "static grants" grefs-queue:2 grefs:0 add-queue:2 add-513:2 add-huge:2 add-bad-ref:2 add-bad-page:2 del-none:0 \
	del-huge:2
due "req_prod out of the ring" overflow:closed
is "$(net_worker a)" "$worker" "the worker is the same all the time"
