#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Measures blkback, netback and pvfb on the embedded Xen, the first two beside their peers, in one run.  blkback's are fio's io_uring on the
# same store (what the store can do), and QEMU's qdisk backend on the same embedded Xen, driven by the same load program;
# netback's are in net.sh, and pvfb, which has none, in screens.sh.
#
# Three stores: a file on a tmpfs; a block device, that is a loop device over such a file, with O_DIRECT, one for each
# contender; and blkback's null disk, which shows what blkback itself costs.
#
# Machines are noisy, so the contenders take turns in short rounds; figures are medians, and a ratio is the
# median of the rounds' ratios.  Counts per I/O (hypercalls, notifications, system calls) come from a round of
# their own, so that counting is in no other figure; what connecting costs is measured and taken off.
#
# Out: a table, what of the targets was reached (targets.jq), build/bench/results.json (form: see report.jq) and
# build/bench/results.png.
# Knobs: BENCH_ROUNDS (5), BENCH_MS (250) of a round, BENCH_CASES (a pattern of case names; many-disks is one).

set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in
/*) ;;
*) BUILD=$TOP/$BUILD ;;
esac
export BUILD
export PATH=$BUILD:$PATH:/usr/sbin:/sbin
ROUNDS=${BENCH_ROUNDS:-5}
ROUND_MS=${BENCH_MS:-250}
CASES=${BENCH_CASES:-*}
OUT=$BUILD/bench

if [ "$(id -u)" -ne 0 ]; then
	echo "bench: needs root, to start xenstored, to mount a tmpfs and to set up loop devices; run: sudo make bench" >&2
	exit 1
fi
[[ $ROUNDS =~ ^[1-9][0-9]*$ ]] || {
	echo "bench: BENCH_ROUNDS=$ROUNDS is no number of rounds; the default is 5" >&2
	exit 1
}
[[ $ROUND_MS =~ ^[1-9][0-9]*$ ]] || {
	echo "bench: BENCH_MS=$ROUND_MS is no number of milliseconds; the default is 250" >&2
	exit 1
}
if [ -z "${XLOOP_DIR:-}" ]; then
	exec xloop run -- "$BASH" "$0" "$@"
fi

cd "$XLOOP_DIR" || exit 1
: >rounds
: >counts
: >many
: >net
: >net-counts
: >fb
: >fb-counts

say() {
	printf '\n== %s\n' "$*"
}

die() {
	printf 'bench: %s\n' "$*" >&2
	tail -n 5 ./*.log >&2
	exit 1
}

. "$TOP/bench/contenders.sh"
. "$TOP/bench/counts.sh"
. "$TOP/bench/many.sh"
. "$TOP/bench/net.sh"
. "$TOP/bench/screens.sh"

# NAME STORE RW BS QD QUEUES CONTENDER...
cases() {
	local rw store peers="fio-io_uring qdisk"

	for store in tmpfs device null; do
		[ $store != null ] || peers=
		for rw in randread randwrite; do
			echo "blk-$rw-4k-qd1-$store $store $rw 4k 1 1 ours $peers" \
				"$([ $store != tmpfs ] || echo ours-nopoll eventfd)"
			echo "blk-$rw-4k-qd32-$store $store $rw 4k 32 1 ours $peers" \
				"$([ $store = device ] || echo ours-persistent ours-nojournal)"
		done
		for rw in read write; do
			echo "blk-$rw-128k-qd8-$store $store $rw 128k 8 1 ours $peers" \
				"$([ $store = device ] || echo ours-persistent)"
		done
		[ $store = device ] || echo "blk-randread-4k-qd32-2queues-$store $store randread 4k 32 2 ours ${peers% *}"
	done
}

chosen() { # CASE
	# shellcheck disable=SC2053 # a pattern
	[[ $1 == $CASES ]]
}

measure() { # CASE STORE RW BS QD QUEUES CONTENDER...
	local work=("${@:1:6}") engine n

	shift 6
	for ((n = 1; n <= ROUNDS; n++)); do
		for engine; do
			round "$engine" $n "${work[@]}"
		done
	done
	for engine; do
		count "$engine" "${work[@]}"
	done
	jq -L "$TOP/bench" -s -r --arg case "${work[0]}" -f "$TOP/bench/progress.jq" rounds
}

# Is any case of the disks wanted, or any of the NICs, or of the screens?
any_chosen() { # DISKS|NICS|SCREENS
	local work

	while read -r work _; do
		! chosen "$work" || return 0
	done < <(case $1 in
		NICS) net_cases 1 && net_cases 2 ;;
		SCREENS) screen_cases ;;
		*) cases && echo many-disks ;;
		esac)
	return 1
}

disks_all() {
	local work

	say "A file of $FILE_MIB MiB on tmpfs, block devices of $DEVICE_MIB MiB over it; blkback, and QEMU's qdisk, each with a guest"
	prepare
	while read -r -a work; do
		! chosen "${work[0]}" || measure "${work[@]}"
	done < <(cases)
	blkback_as ours
	idle_calls
	! chosen many-disks || many_disks
	for guest in ours qdisk; do
		xloop destroy $guest || die "cannot destroy the guest of $guest"
	done
}

trap cleanup EXIT
echo null >idle
say "$ROUNDS rounds of $ROUND_MS ms for each contender of each case, and a round that counts; of TCP, $NET_S s"
! any_chosen DISKS || disks_all
! any_chosen NICS || net_all
! any_chosen SCREENS || screens_all

mkdir -p "$OUT"
[ -s rounds ] || [ -s many ] || [ -s net ] || [ -s fb ] || die "BENCH_CASES=$CASES names no case; *-qd32-* does"
jq -L "$TOP/bench" -s --slurpfile counts counts --slurpfile many many -f "$TOP/bench/report.jq" rounds >results ||
	die "no results"
jq -L "$TOP/bench" -s --slurpfile counts net-counts -f "$TOP/bench/net-report.jq" net >net-results || die "no results of NICs"
jq -L "$TOP/bench" -s --slurpfile counts fb-counts --slurpfile all fb -f "$TOP/bench/screens-report.jq" fb >fb-results ||
	die "no results of screens"
jq -s add results net-results fb-results >all-results && mv all-results results
mv results "$OUT/results.json"
if [ -s rounds ]; then
	say "Results (IOPS; a ratio above 1 means that blkback is faster)"
	jq -L "$TOP/bench" -r -f "$TOP/bench/table.jq" "$OUT/results.json" |
		column -t -s $'\t' -R 2,3,4,5,6,7,8,9,10,11,12,13,14,15
	jq -L "$TOP/bench" -r -f "$TOP/bench/plot.jq" "$OUT/results.json" >plot.dat
	gnuplot -e "out='$OUT/results.png'; dat='plot.dat'" "$TOP/bench/plot.gp" || die "gnuplot failed"
fi
if [ -s net ]; then
	say "NICs (bits or packets per second; processor time in us per Mbit or packet, of what carries them and of the machine)"
	jq -L "$TOP/bench" -r -f "$TOP/bench/net-table.jq" "$OUT/results.json" |
		column -t -s $'\t' -R 2,3,4,5,6,7,8,9,10,11,12,13
	jq -L "$TOP/bench" -r -f "$TOP/bench/net-plot.jq" "$OUT/results.json" >net-plot.dat
	gnuplot -e "out='$OUT/results-net.png'; dat='net-plot.dat'" "$TOP/bench/net-plot.gp" || die "gnuplot failed"
fi
if [ -s fb ]; then
	say "Screens (processor time of the worker in us per update; how old what was drawn is at the viewer)"
	jq -r '["case", "us/update", "of a full one", "updates/s", "p50 us", "p99 us", "calls/update", "KiB"],
		(.[] | select(.metric == "cpu_us_per_update") | [.case, .ours, .ratio.full, .updates_per_s, .latency_p50_us,
		.latency_p99_us, .counts.syscalls_per_update, .kib]) | @tsv' "$OUT/results.json" | column -t -s $'\t' -R 2,3,4,5,6,7,8
fi
say "Targets"
jq -L "$TOP/bench" -r --slurpfile idle idle -f "$TOP/bench/targets.jq" "$OUT/results.json"
cat <<-END

	These are figures of the embedded Xen, not of a real hypervisor: ratios within one run are what they are
	good for, and the counts hold on both.  The null disk has no peer: fio's null engine moves no data, and
	qdisk's disk specification can't name QEMU's null driver.
	Files: $OUT/results.json $OUT/results.png $OUT/results-net.png
END
