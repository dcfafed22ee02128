#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk that blkback refused goes to Closed once and rests there: a toolstack that leaves its nodes costs nothing.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 3

blkback_start
guest_create g >/dev/null
back=/local/domain/0/backend/vbd/1/51712
front=/local/domain/1/device/vbd/51712
xenstore-write $front/backend $back $front/backend-id 0 $front/state 1 $front/virtual-device 51712
xenstore-write $back/frontend $front $back/frontend-id 1 $back/online 1 $back/params /none \
	$back/script "$TOP/scripts/block-halfback" $back/mode w $back/state 1
ok "it comes to state 2, for the hotplug script" wait_node $back/state 2
xenstore-watch $back/state >"$WORK/events" &
watch=$!
xenstore-write $back/hotplug-status error
ok "it is closed when the script has spoken" wait_node $back/state 6
# A second of watching is the test: what flaps would write thousands of states.
read -rt 1 <> <(:)
kill $watch
wait $watch 2>/dev/null
events=$(wc -l <"$WORK/events")
ok "and its state rests (it changed $events times)" [ "$events" -le 4 ]
