#!/bin/bash
# SPDX-License-Identifier: MIT
# Event channels that are not a queue's own: of another queue, of another domain, none, of the control ring; and events
# without end while a device closes with packets under way (XSA-441).  Each is refused in a sentence, or works; nothing
# stays bound, and the guest beside has its network.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 15

bridge_make
netback_start --queues=2 --restarts=0
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
beside_start
census() {
	xloop stats --json 0 | jq -c '[.maps, .ports]'
}
base=$(census)
is_as_before() {
	[ "$(census)" = "$base" ]
}
hostile() { # [OPTION...] CASE...
	timeout 100 xloop exec a -- "$BUILD/tests/nethostile" 0 "$@" 2>"$WORK/err"
}
error() {
	xenstore-read /local/domain/0/error/backend/vif/1/0/error 2>/dev/null
}
is "$(hostile good)" "good 0" "an honest packet is answered"
worker=$(net_worker a)
refused() { # DESCRIPTION SENTENCE OPTION...
	hostile "${@:3}" connect >/dev/null
	like "$(error)" "$2" "$1"
}
# KEY@DOMID: the port, the same for all of them, that DOMID may bind.
queue=event-channel
refused "one that is for another domain" "bind the guest's event channel" --key=$queue-tx@2 --key=$queue-rx@2
refused "one of nobody's" "bind the guest's event channel" --key=$queue-tx=5000 --key=$queue-rx=5000
refused "one of xenstore's or the console's" "bind the guest's event channel" --key=$queue-tx=1 --key=$queue-rx=1
refused "the first queue's in the second" "bind the guest's event channel" --queues=2 --key=queue-0/$queue-tx@0 \
	--key=queue-0/$queue-rx@0 --key=queue-1/$queue-tx@0 --key=queue-1/$queue-rx@0
refused "a queue's in the control ring" "bind the event channel of the guest's control ring" --key=$queue-tx@0 --key=$queue-rx@0 \
	--key=$queue-ctrl@0
refused "port 0 in the control ring" "bind the event channel of the guest's control ring" --key=$queue-ctrl=0
refused "one that can't be in it" "ctrl-ring-ref and event-channel-ctrl are no control ring" --key=$queue-ctrl=4294967295
is "$(hostile good)" "good 0" "a frontend with its own connects"
is "$(error)" "" "and no error is left"
ok "nothing stays mapped or bound" wait_for 5 is_as_before
is "$(hostile --queues=2 close-storm good)" "close-storm closed
good 0" "a storm of events while it closes, 40 times"
ok "nothing stays mapped or bound" wait_for 5 is_as_before
is "$(net_worker a)" "$worker" "the worker is the same all the time"
kill $beside
# shellcheck disable=SC2016 # of awk's
ok "and the guest beside lost no packet" awk -F'icmp_seq=' 'NF > 1 { n++; last = $2 + 0 } END { exit !(n > 3 && n == last) }' \
	"$WORK/ping"
