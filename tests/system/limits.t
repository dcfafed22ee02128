#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk's limits: the rate is kept, a burst is let through, several queues share one limit, another disk of the same
# worker and another guest do not feel it, and it changes while I/O runs.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 24

blkback_start --queues=2 --limit-bps=64000000
guest_create g "vdev=xvda,target=null:4G" "vdev=xvdb,target=null:4G" >/dev/null
guest_create h "vdev=xvda,target=null:4G" >/dev/null
DISK=$BE/1/51712

limit() { # NAME=VALUE...: of g's xvda
	local pair
	for pair; do
		xenstore-write "$DISK/limit-${pair%%=*}" "${pair#*=}"
	done
}
# load JQ GUEST DISK BLKLOAD-OPTION...
load() {
	local jq=$1 guest=$2 disk=$3
	shift 3
	xloop exec "$guest" -- blkload --dev="$disk" --json "$@" 2>/dev/null | jq -r "$jq | floor"
}
rate() { # [SECONDS]: g's xvda reads in a second
	halfback stats --json --interval="${1:-1}" g xvda | jq '.disks[0] | .total.read.requests / .seconds | floor'
}
rate_is() { # TEST NUMBER
	test "$(rate 0.3)" "$@"
}
# near WANT PERCENT DESCRIPTION COMMAND...: prints a number that is never above WANT.  It may be below if this
# machine has no time for us, so that has a few chances.
near() {
	local want=$1 percent=$2 desc=$3 got try
	shift 3
	for try in 1 2 3 4 5 6; do
		got=$("$@")
		[ $((got * 100)) -lt $((want * (100 - percent))) ] || break
		diag "try $try: $desc: $got of $want"
	done
	ok "$desc: $got of $want" test $((got * 100)) -ge $((want * (100 - percent))) -a \
		$((got * 100)) -le $((want * (100 + percent)))
}

# ---- the command line's, of which the next disks have other words
near 134400000 4 "bytes in 2 seconds, as the command line says, and a burst" \
	load .read.bytes h xvda --rw=randread --bs=64k --qd=8 --runtime=2

# ---- requests
limit bps=0 iops=5000 iops-burst=500
near 10500 3 "requests in 2 seconds at 5000 a second with a burst of 500" \
	load .read.ios g xvda --rw=randread --bs=4k --qd=32 --runtime=2
near 10500 3 "requests of two queues together" \
	load .ios g xvda --rw=randrw --bs=4k --qd=16 --queues=2 --runtime=2
near 10500 6 "one at a time" load .read.ios g xvda --rw=randread --bs=4k --qd=1 --runtime=2
at_once() { # REQUESTS: a number above 0 if they took less time than at the rate alone
	local ms
	ms=$(load '.seconds * 1000' g xvda --rw=randread --bs=4k --qd=32 --ios="$1")
	[ "$ms" -lt $(($1 / 10)) ] && echo 100
}
near 100 0 "a burst passes at once (480 requests)" at_once 480
limit iops-burst=5000
near 100 0 "a larger one, too (4800)" at_once 4800

# ---- bytes
xenstore-rm "$DISK/limit-iops-burst"
limit iops=0 bps=20000000
near 42000000 3 "bytes written in 2 seconds at 20 MB a second" \
	load .write.bytes g xvda --rw=randwrite --bs=4k --qd=32 --runtime=2
near 64000000 9 "in requests of 1 MiB, of which each is half the burst, for 3 seconds" \
	load .read.bytes g xvda --rw=randread --bs=1M --qd=2 --indirect=256 --runtime=3
limit bps=4000000
near 8490000 3 "in indirect requests whose last page is not whole, which is not taken for that" \
	load .read.bytes g xvda --rw=randread --bs=45568 --qd=4 --indirect=32 --runtime=2

# ---- both, and neighbours
limit iops=2000 bps=40000000
near 4200 5 "of two limits the tighter one holds" load .read.ios g xvda --rw=randread --bs=4k --qd=32 --runtime=2
xenstore-write "$BE/1/51728/limit-bps" 0 "$BE/2/51712/limit-bps" 0
xloop exec g -- blkload --dev=xvda --rw=randread --qd=32 --runtime=100 >/dev/null 2>&1 &
BUSY=$!
wait_for 10 node_is "$DISK/state" 4
unfelt() { # GUEST DISK: 100 if half of its single reads take less than the limited ones' pause
	[ "$(load .read.latency_us.p50 "$1" "$2" --rw=randread --bs=4k --qd=1 --runtime=0.5)" -lt 250 ] && echo 100
}
near 100 0 "another guest does not feel it" unfelt h xvda
near 100 0 "nor does another disk of the same worker" unfelt g xvdb
ok "halfback tells how often it was held back" \
	test "$(halfback stats --json g xvda | jq '.disks[0].total.limited')" -gt 100

# ---- live
wait_for 5 rate_is -gt 1500
near 2000 5 "the limit holds while I/O runs" rate
limit iops=500
wait_for 5 rate_is -lt 1000
near 500 5 "it is lowered" rate
limit iops=many
ok "a node that is no number is told" \
	wait_for 5 grep -q "keeps its limits: its node limit-iops is not a number" "$XLOOP_DIR/blkback.log"
near 500 5 "and changes nothing" rate
for n in $(seq 1300 1350); do
	limit iops="$n"
done
wait_for 5 rate_is -gt 700
near 1350 5 "after fifty changes the last one holds" rate
xenstore-rm "$DISK/limit-iops"
ok "a limit is taken away" wait_for 5 rate_is -gt 2500
kill $BUSY
wait $BUSY
is $? 0 "all of its requests were answered"

limit bps=1M
xloop exec g -- blkload --dev=xvda --ios=1 >/dev/null 2>&1
like "$(vbd_error 1 51712)" "its node limit-bps is not a number from 0 to 68719476736; write one, or remove" \
	"a disk with such a node is not connected"

# ---- the end of one that is held back for minutes
limit bps=1000
xloop exec g -- blkload --dev=xvda --rw=randread --bs=44k --qd=32 --ios=200 >"$WORK/late" 2>&1 &
LATE=$!
wait_for 10 node_is "$DISK/state" 4
blkback_stop
is $? 0 "a daemon stops, though requests wait in a ring"
blkback_start --queues=2
limit bps=0
wait $LATE
is $? 0 "the next one serves them"
like "$("$BUILD/blkback" --limit-bps=1M 2>&1)" "--limit-bps takes a number from 0 to 68719476736, not '1M'" \
	"the command line wants numbers, too"
