#!/bin/bash
# SPDX-License-Identifier: MIT
# A program of a guest is the guest: its rights in the store, its number, its counters.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 19

guest_create g >/dev/null
guest_create h >/dev/null
in_g() {
	xloop exec g -- "$@"
}

is "$(in_g xenstore-read domid)" 1 "a relative path is the guest's own"
is "$(xloop exec 2 -- xenstore-read name)" h "a guest is found by its number too"
ok "it writes where it may" in_g xenstore-write data/x y
is "$(xenstore-read /local/domain/1/data/x)" y "and dom0 sees it"
not_ok "it may not write its own name" in_g xenstore-write name other
not_ok "nor another guest's data" in_g xenstore-write /local/domain/2/data/x y
not_ok "nor read the toolstack's" in_g xenstore-read /libxl/1/type
in_g sh -c 'exit 9'
is $? 9 "CMD's exit status comes through"
in_g /nonexistent/cmd 2>/dev/null
is $? 127 "a CMD that is not there gives 127"
xloop exec nobody -- true 2>/dev/null
is $? 125 "a guest that is not there gives 125"
like "$(in_g xloop list 2>&1)" "inside guest 1; the toolstack's verbs belong in dom0" "the toolstack stays out"

ok "stats are JSON" jq -e 'length == 3' <(xloop stats --json)
is "$(xloop stats --json g | jq '.domid, .name' | xargs)" "1 g" "of one guest too"
count=$(xloop stats --json g | jq .by.notifies)
in_g xenstore-read domid >/dev/null
ok "and they count" [ "$(xloop stats --json g | jq .by.notifies)" -gt "$count" ]
ok "a fault is armed" xloop fault g map 0
like "$(xloop fault g sheep 1 2>&1)" "fault \"sheep\".*there are map, copy" "an unknown fault is refused"

xguest=$(cat "$XLOOP_DIR/dom1.pid")
ok "the guest is destroyed" xloop destroy g
ok "its kernel stand-in is gone" wait_for 5 is_gone "$xguest"
ok "the other guest goes on" xloop exec h -- xenstore-write data/x y
