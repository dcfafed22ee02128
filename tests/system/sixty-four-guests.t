#!/bin/bash
# SPDX-License-Identifier: MIT
# 64 guests with a disk each connect, do verified I/O all at once, detach and go; nothing of them is left.
. "$(dirname "$0")/../lib.sh"
GUESTS=${GUESTS:-64}
in_host "$@"
plan 12

blkback_start
ok "a first guest warms up" guest_create warm "vdev=xvda,target=$(image warm.img 1M)"
ok "its disk works" xloop exec warm -- blkload --dev=xvda --rw=randwrite --verify --ios=16
ok "it goes" xloop destroy warm

no_workers() {
	! pgrep -P "$BLKBACK_PID" >/dev/null
}

# What a leak would make grow: blkback's fds and mappings, dom0's ports and maps, nodes, processes, files.
census() {
	echo "fds $(find "/proc/$BLKBACK_PID/fd" -mindepth 1 | wc -l)"
	xloop stats --json 0 | jq -r '"maps \(.maps) ports \(.ports) grants \(.grants)"'
	xenstore-ls -f | sed 's/ = .*//'
	find "$XLOOP_DIR" -maxdepth 1 -not -name '*.log' | sort
}
wait_for 10 no_workers
before=$(census)

each() { # COMMAND...: once for each guest, all at once; counts the failures
	local n failed=0 pids=()
	for n in $(seq "$GUESTS"); do
		"$@" "$n" >"$WORK/out.$n" 2>&1 &
		pids+=($!)
	done
	for n in "${pids[@]}"; do
		wait "$n" || failed=$((failed + 1))
	done
	[ "$failed" -eq 0 ] && return 0
	echo "$failed of $GUESTS failed; one said:"
	tail -n 3 "$WORK"/out.* | head -n 20
	return 1
}

create() {
	guest_create "g$1" "vdev=xvda,target=$(image "disk$1.img" 8M)"
}

load() {
	xloop exec "g$1" -- blkload --dev=xvda --rw=write --bs=4k --qd=8 --size=4M --verify --seed="$1"
}

# The image on the host holds that guest's pattern and no other's.
recheck() {
	xloop exec "g$1" -- blkload --dev=xvda --rw=randread --bs=4k --qd=8 --size=4M --verify --seed="$1"
}

detach() {
	xloop block-detach "g$1" xvda
}

destroy() {
	xloop destroy "g$1"
}

ok "$GUESTS guests are created at once" each create
is "$(xloop list | grep -c '^g')" "$GUESTS" "and listed"
ok "each writes and verifies 4 MiB, all at once" each load
ok "each finds its own data again" each recheck
rss=$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$BLKBACK_PID/status")
ok "the supervisor is below 32 MiB with $GUESTS disks (it has $rss)" [ "$rss" -lt 32 ]
ok "each detaches its disk" each detach
ok "each goes" each destroy
wait_for 20 no_workers
is "$(census)" "$before" "no fd, port, map, node or file is left"
ok "blkback is still there" kill -0 "$BLKBACK_PID"
