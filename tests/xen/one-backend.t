#!/bin/bash
# SPDX-License-Identifier: MIT
#
# One backend for each disk: a second blkback does not start, and a disk that another backend has taken makes xl fail
# with a sentence; without that one the same xl create works.

. "$(dirname "$0")/lib.sh"
xen_test 8
config=$(guest_config g pv "vdev=xvda,access=rw,target=$(image disk 8M)")
be=/local/domain/0/backend/vbd

# Answers the first disk that appears as a backend does.
take_first_disk() {
	local disk
	for _ in $(seq 600); do
		disk=$(xenstore-list $be 2>/dev/null | tail -n 1)
		if [ -n "$disk" ] && [ "$(xenstore-read "$be/$disk/51712/state" 2>/dev/null)" = 1 ]; then
			xenstore-write "$be/$disk/51712/state" 2
			diag "$disk was taken"
			return 0
		fi
		read -rt 0.05 <> <(:) || :
	done
	return 1
}

blkback_start
wait_for 10 test -s /run/halfback/blkback.pid
out=$("$BUILD/blkback" 2>&1)
is $? 1 "a second blkback does not start"
like "$out" "process $BLKBACK_PID is blkback already" "and names the first"

# Asleep, ours can't be first.
kill -STOP "$BLKBACK_PID"
take_first_disk &
taker=$!
out=$(xl create "$config" 2>&1)
ok "xl create fails when another backend takes the disk" [ $? -ne 0 ]
like "$out" "another backend .* has taken this disk" "and says so"
wait $taker
is $? 0 "another backend did"
kill -CONT "$BLKBACK_PID"
ok "no domain is left" only_dom0
ok "without it xl creates the guest" xl create "$config"
ok "which sees its disk" eval 'guest_boot g && guest_run g "dd if=/dev/xvda of=/dev/null bs=64k count=8 2>/dev/null"'
