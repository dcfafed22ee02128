#!/bin/bash
# SPDX-License-Identifier: MIT
# One guest's flood, or its storm of events and states, leaves another guest's p99 latency within two times of what it
# has alone.  Rounds alternate and their medians count, so that what else this machine does hits all alike.
#
# Nobody polls: who finds a processor idle polls on it and has its answers in 2 to 6 us, alone or not, and in 45 us else;
# which of these it is on two processors is chance, and no neighbour's doing.
#
# The bad guest's own programs run at idle priority: on Xen its processors take no time of ours, here they would be most
# of what is measured.  blkback's worker for it has the priority that it always has.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 6
ROUNDS=5

blkback_start --poll-us=0
mkdir "$WORK/mem"
mount -t tmpfs none "$WORK/mem" # no device below that both would wait for
guest_create good "vdev=xvda,target=$(image mem/good.img 16M)" >/dev/null
guest_create bad "vdev=xvda,target=null:4G" "vdev=xvdb,target=$(image mem/bad.img 16M)" "vdev=xvdc,target=null:1G" \
	"vdev=xvdd,target=null:1G" >/dev/null
BAD=/local/domain/0/backend/vbd/2
ok "both guests' disks work" xloop exec good -- blkload --dev=xvda --rw=write --verify
xloop exec bad -- blkload --dev=xvdb --rw=write >/dev/null 2>&1

p99() {
	xloop exec good -- blkload --dev=xvda --rw=randread --qd=1 --spin=0 --runtime=0.4 --json 2>/dev/null |
		jq '.read.latency_us.p99'
}
median() { # FILE
	sort -n "$1" | sed -n $(((ROUNDS + 1) / 2))p
}
# beside FILE DEVID COMMAND...: one more p99 while the bad guest does that
beside() {
	local file=$1 devid=$2 pid
	shift 2
	chrt -i 0 xloop exec bad -- "$@" >/dev/null 2>&1 &
	pid=$!
	wait_for 10 node_is "$BAD/$devid/state" 4
	p99 >>"$WORK/$file"
	kill $pid 2>/dev/null && wait $pid 2>/dev/null
}

for _ in $(seq $ROUNDS); do
	p99 >>"$WORK/alone"
	beside flood 51712 blkload --dev=xvda --rw=randread --qd=512 --ring-order=4 --runtime=60
	beside reads 51728 blkload --dev=xvdb --rw=randread --qd=512 --ring-order=4 --runtime=60
	p99 >>"$WORK/alone.2"
	beside events 51744 "$BUILD/tests/blkhostile" xvdc storm-on
	beside states 51760 "$BUILD/tests/blkstorm" xvdd 60
done
sort -n "$WORK/alone.2" >>"$WORK/alone"
alone=$(sort -n "$WORK/alone" | sed -n ${ROUNDS}p)
for kind in flood reads events states; do
	is=$(median "$WORK/$kind")
	ok "p99 beside the other guest's $kind is $is us, alone $alone us" jq -en "$is <= 2 * $alone"
	diag "$kind: $(xargs <"$WORK/$kind")"
done
diag "alone: $(xargs <"$WORK/alone")"
ok "the good guest's data are right" xloop exec good -- blkload --dev=xvda --rw=read --verify
