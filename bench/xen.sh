#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Measures blkback on real Xen beside two peers, all in one boot: the kernel's xen-blkback over a loop device, set up
# by Xen's own block script, and QEMU's qdisk, started by xl.  Blkback takes part twice, as it is and with --persistent;
# the kernel's uses persistent grants.  All serve the same image file, on a tmpfs in dom0, to the same PV guest as xvda,
# one attached after another has been detached, and the guest's fio is the same: 128 KiB are an indirect request where
# the backend takes that.  Before a backend is measured it has to give back what the one before it has written.
#
# They can't be attached at once: the kernel's driver claims each disk of kind vbd while it is loaded.  Each round
# starts with another of them, and figures are medians; a ratio is the median of the rounds' ratios.  A round has a
# guest of one virtual CPU and then one of two, whose deep queues are fed from both; it has two rings where the backend
# offers them.  Dom0 has two CPUs.
#
# Then NICs, in the same boot: netback beside the kernel's xen-netback (xen-net-dom0.sh).
#
# CPU time per I/O is Xen's account of the whole of dom0 while fio runs (kernel threads, interrupts, QEMU, blkback), less
# what dom0 uses in the same time when idle, through the same guest.
#
# Out: a table, build/bench/results-xen.json (form: see xen-report.jq) and build/bench/results-xen.png.
# Knobs: BENCH_ROUNDS (3), BENCH_SECONDS (2) of a measurement, BENCH_CASES (a pattern of case names).

set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
cd "$TOP" || exit 1
ROUNDS=${BENCH_ROUNDS:-3}
RUNTIME=${BENCH_SECONDS:-2}
CASES=${BENCH_CASES:-*}
OUT=$TOP/build/bench
WORK=

say() {
	printf '\n== %s\n' "$*"
}

die() {
	printf 'bench: %s\n' "$*" >&2
	exit 1
}

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	rm -rf "$WORK"
}

# What a round says, as it comes; the consoles and all the rest only if something failed.
measure() {
	local round vcpus pieces=()
	for ((round = 1; round <= ROUNDS; round++)); do
		for vcpus in 1 2; do
			pieces+=("bench/xen-dom0.sh $vcpus $round $RUNTIME $CASES" "bench/xen-net-dom0.sh $vcpus $round $RUNTIME $CASES")
		done
	done
	XEN_CPUS=2 XEN_BOOTS=1 XEN_PLAIN=1 XEN_OUT=$WORK tests/xen/boot "${pieces[@]}" | tee "$WORK/log" |
		grep --line-buffered -E '^(round|dom0|# boot|bench:|xen/)'
	return "${PIPESTATUS[0]}"
}

[ "$(id -u)" -eq 0 ] || die "needs root, to share the machine's files with dom0; run: sudo make bench-xen"
[[ $ROUNDS =~ ^[1-9][0-9]*$ ]] || die "BENCH_ROUNDS=$ROUNDS is no number of rounds; the default is 3"
[[ $RUNTIME =~ ^[1-9][0-9]*$ ]] || die "BENCH_SECONDS=$RUNTIME is no number of seconds; the default is 2"
mkdir -p "$OUT"
WORK=$(mktemp -d "$OUT/xen.XXXXXX") || exit 1
trap cleanup EXIT
say "Real Xen under QEMU; blkback with and without persistent grants, the kernel's backend and QEMU's qdisk take turns, $ROUNDS rounds"
measure || {
	cat "$WORK/log"
	die "the measurement failed"
}
touch "$WORK/rounds" "$WORK/net-rounds"
[ -s "$WORK/rounds" ] || [ -s "$WORK/net-rounds" ] || die "BENCH_CASES=$CASES names no case; *-qd32-* does"
jq -L bench -s -f bench/xen-report.jq "$WORK/rounds" >"$WORK/disks" || die "no results of disks"
jq -L bench -s -f bench/xen-net-report.jq "$WORK/net-rounds" >"$WORK/nics" || die "no results of NICs"
jq -s add "$WORK/disks" "$WORK/nics" >"$WORK/results" || die "no results"
mv "$WORK/results" "$OUT/results-xen.json"
say "Results (IOPS; a ratio above 1 means that blkback is faster)"
jq -L bench -r -f bench/xen-table.jq "$OUT/results-xen.json" | column -t -s $'\t' -R 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19
say "NICs (TCP)"
jq -L bench -r -f bench/xen-net-table.jq "$OUT/results-xen.json" | column -t -s $'\t' -R 2,3,4,5,6
say "Targets"
jq -L bench -r -f bench/xen-targets.jq "$OUT/results-xen.json"
jq -L bench -r -f bench/xen-plot.jq "$OUT/results-xen.json" >"$WORK/plot.dat"
gnuplot -e "out='$OUT/results-xen.png'; dat='$WORK/plot.dat'" bench/xen-plot.gp || die "gnuplot failed"
cat <<-END

	The Xen is real, the processors are emulated: only ratios within one boot mean something.
	Files: $OUT/results-xen.json $OUT/results-xen.png
END
