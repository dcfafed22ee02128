# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Whether the cost grows linearly: the same load on 1, on 8 and on 64 disks, as disks of one guest (64: of two, as
# xenstored gives a guest 1000 nodes), and as guests of one disk each.  A load program on each disk starts bursts of 8
# reads of 4 KiB by the clock, and all together start the same number of them per second, so that a disk more means
# nothing but a disk more.  Null disks: what is measured is blkback.
#
# Processor time is that of the workers, from the scheduler's account in nanoseconds; I/Os are the pages that dom0 copied.

MANY_IOPS=32000
MANY_ROUNDS=3
MANY_SECONDS=0.5
GUEST_DISKS=32 # of one guest, at most

many_guests_make() {
	local n disks

	disks=$(for ((n = 0; n < GUEST_DISKS; n++)); do printf "'vdev=xvd%s,target=null:1G'," "$(vdev_letters "$n")"; done)
	for n in 0 1; do
		printf 'name = "disks%d"\nmemory = 64\ndisk = [ %s ]\n' $n "$disks" >many.cfg
		xloop create many.cfg >/dev/null || die "cannot make a guest of $GUEST_DISKS disks"
	done
	for ((n = 0; n < 64; n++)); do
		printf 'name = "guests%d"\nmemory = 16\ndisk = [ "vdev=xvda,target=null:1G" ]\n' $n >many.cfg
		xloop create many.cfg >/dev/null || die "cannot make 64 guests"
	done
}

# 0 is a, 26 is aa.
vdev_letters() {
	local letters=abcdefghijklmnopqrstuvwxyz

	[ "$1" -lt 26 ] || printf '%s' "${letters:$1 / 26 - 1:1}"
	printf '%s' "${letters:$1 % 26:1}"
}

# Nanoseconds of processor time of all workers, and the pages that they copied.
many_now() {
	local workers

	workers=$(ps -o pid= --ppid "$BLKBACK" | tr -d ' ' | paste -sd,)
	eval "cat /proc/{$workers,}/task/*/schedstat" 2>/dev/null | awk '{ ns += $1 } END { printf "{\"ns\": %.0f}\n", ns }'
	xloop stats --json | jq -c '{s: now, pages: (.[] | select(.domid == 0) | .by.copy_ops)}'
}

# Disks that are connected: the ring of each is one mapped page.
many_connected() {
	xloop stats --json 0 | jq .maps
}

many_wait() { # N: until so many disks are connected
	local tries=500

	until [ "$(many_connected)" -eq "$1" ]; do
		((tries-- > 0)) || die "$1 disks do not connect, or the others do not close"
		sleep 0.02
	done
}

# A load on each disk, in the background.  Xenstored gives a guest 10 transactions at a time, so few of its disks
# connect at once.
many_start() { # disks|guests N
	local guests=$2 before i

	before=$(many_connected)
	LOADS=()
	[ "$1" != disks ] || guests=$((($2 + GUEST_DISKS - 1) / GUEST_DISKS))
	for ((i = 0; i < $2; i++)); do
		xloop exec "$1$((i % guests))" -- blkload --dev="xvd$(vdev_letters $((i / guests)))" --rw=randread --bs=4k --qd=8 \
			--rate=$((MANY_IOPS / $2)) --spin=0 --runtime=100 --json >many.$i 2>>load.log &
		LOADS+=($!)
		(((i + 1) % (4 * guests))) || many_wait $((before + i + 1))
	done
	many_wait $((before + $2))
	sleep 0.2
}

many_stop() {
	local pid

	for pid in "${LOADS[@]}"; do
		kill "$pid"
		wait "$pid"
	done
	jq -e -s 'all(.errors == 0)' many.[0-9]* >>load.log || die "I/O errors on many disks"
	rm many.[0-9]*
}

many_round() { # disks|guests N ROUND
	many_start "$1" "$2"
	{
		many_now
		sleep $MANY_SECONDS
		many_now
	} | jq -s -c --arg case "blk-many-$1-$2" --argjson round "$3" '(.[0] + .[1]) as $first | (.[2] + .[3]) as $last
		| {$case, engine: "ours", $round, iops: (($last.pages - $first.pages) / ($last.s - $first.s)),
		cpu_us: (($last.ns - $first.ns) / 1000 / ($last.pages - $first.pages))}' >>many
	many_stop
}

many_disks() {
	local n what round

	many_guests_make
	for ((round = 1; round <= MANY_ROUNDS; round++)); do
		for what in disks guests; do
			for n in 1 8 64; do
				many_round $what $n $round
			done
		done
	done
}
