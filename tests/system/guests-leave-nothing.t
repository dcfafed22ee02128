#!/bin/bash
# SPDX-License-Identifier: MIT
# Guests that come and go leave nothing in hv and xenstored: no descriptor, no mapping, no port, no grant.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 7

hv=$(cat "$XLOOP_DIR/hv.pid")
stored=$(cat "$XLOOP_DIR/xenstored.pid")

held() { # PID: what a process holds
	echo "$(find "/proc/$1/fd" -mindepth 1 | wc -l) fds, $(grep -cE 'xen-dom' "/proc/$1/maps") domain mappings"
}

dom0() {
	xloop stats --json | jq -c '.[] | select(.domid == 0) | [.maps, .ports, .grants, .limbo]'
}

round() {
	local i rc=0
	for i in 1 2 3 4 5 6; do
		guest_create "g$i" >/dev/null || rc=1
	done
	for i in 1 2 3 4 5 6; do
		xloop destroy "g$i" || rc=1
	done
	return $rc
}

counts=$(dom0)
before_hv=$(held "$hv")
before_stored=$(held "$stored")
ok "six guests are created and destroyed" round
ok "and six more" round
settled() {
	[ "$(held "$hv")" = "$before_hv" ] && [ "$(held "$stored")" = "$before_stored" ]
}
wait_for 5 settled
is "$(held "$hv")" "$before_hv" "hv holds what it held before"
is "$(held "$stored")" "$before_stored" "so does xenstored"
is "$(dom0)" "$counts" "dom0 has the maps, ports, grants it had"
is "$(xenstore-ls /local/domain | grep -c '^[1-9]')" 0 "no guest's nodes are left"
is "$(find "$XLOOP_DIR" -maxdepth 1 -name 'dom*.xs')" "" "no guest's socket is left"
