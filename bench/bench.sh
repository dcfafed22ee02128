#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Measures blkback on the embedded Xen beside two peers, in one run: fio's io_uring on the same file (what the
# store can do), and QEMU's qdisk backend on the same embedded Xen, driven by the same load program.
#
# Machines are noisy, so the contenders take turns in short rounds; figures are medians, and a ratio is the
# median of the rounds' ratios.  Counts per I/O (hypercalls, notifications, system calls) come from a round of
# their own, so that counting is in no other figure; what connecting costs is measured and taken off.
#
# Out: a table, build/bench/results.json (form: see report.jq) and build/bench/results.png.
# Knobs: BENCH_ROUNDS (5), BENCH_MS (500) of a round, BENCH_CASES (a pattern of case names).

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
ROUND_MS=${BENCH_MS:-500}
SIZE_MIB=256
OUT=$BUILD/bench

if [ "$(id -u)" -ne 0 ]; then
	echo "bench: needs root, to start xenstored and to mount a tmpfs; run: sudo make bench" >&2
	exit 1
fi
if [ -z "${XLOOP_DIR:-}" ]; then
	exec xloop run -- "$BASH" "$0" "$@"
fi

cd "$XLOOP_DIR" || exit 1
TICK=$(getconf CLK_TCK)
IMG=$XLOOP_DIR/tmpfs/disk.img
: >rounds
: >counts

say() {
	printf '\n== %s\n' "$*"
}

die() {
	printf 'bench: %s\n' "$*" >&2
	tail -n 5 ./*.log >&2
	exit 1
}

# ---- the contenders ----

prepare() {
	local load=(--rw=write --bs=128k --qd=8 --size=64M --verify) guest pair seed=1

	mkdir tmpfs
	mount -t tmpfs -o "size=$((SIZE_MIB + 16))m" bench tmpfs || die "cannot mount a tmpfs"
	fallocate -l "${SIZE_MIB}M" "$IMG" || die "not enough memory for a tmpfs of $SIZE_MIB MiB"
	blkback >blkback.log 2>&1 &
	BLKBACK=$!
	cat >ours.cfg <<-END
		name = "ours"
		memory = 64
		disk = [ 'vdev=xvda,target=$IMG', 'vdev=xvdb,target=null:${SIZE_MIB}M' ]
	END
	cat >qdisk.cfg <<-END
		name = "qdisk"
		memory = 64
		disk = [ 'vdev=xvda,backendtype=qdisk,target=$IMG' ]
	END
	for guest in ours qdisk; do
		xloop create $guest.cfg >/dev/null || die "cannot make the guest of $guest"
	done
	QEMU=$(xenstore-read "/local/domain/$(domid_of qdisk)/image/device-model-pid")
	# What one backend wrote, the other must read.  This also fills the whole image: no holes in what follows.
	dd if=/dev/urandom of="$IMG" bs=1M count=$SIZE_MIB conv=notrunc status=none
	for pair in "ours qdisk" "qdisk ours"; do
		# shellcheck disable=SC2086 # two words
		set -- $pair
		xloop exec "$1" -- blkload --dev=xvda "${load[@]}" --seed=$seed >>load.log 2>&1 ||
			die "what was written through $1 could not be read back"
		xloop exec "$2" -- blkload --dev=xvda --rw=randread --bs=4k --qd=32 --size=64M --verify --seed=$seed \
			>>load.log 2>&1 || die "what was written through $1 is not what $2 reads"
		seed=$((seed + 1))
		printf '64 MiB written through %s and read through %s: every block is right\n' "$1" "$2"
	done
}

domid_of() {
	xloop list | awk -v name="$1" '$1 == name { print $2 }'
}

pid_of() { # the process that serves the guest's I/O
	case $1 in
	ours) ps -o pid= --ppid "$BLKBACK" | tr -d ' ' ;;
	qdisk) echo "$QEMU" ;;
	esac
}

# Processor time in ticks, of a process and its children, dead or alive; io_uring's kernel threads are in it.
cpu_ticks() {
	local pid

	for pid in "$1" $(ps -o pid= --ppid "$1"); do
		sed 's/.*) //' "/proc/$pid/stat"
	done | awk '{ t += $12 + $13 + $14 + $15 } END { print t }'
}

# ---- rounds: each gives one line {case, engine, round, iops, bandwidth, cpu_us, p50_us, p99_us} ----

round_guest() { # ENGINE CASE ROUND DEV RW BS QD
	local pid before after

	[ "$1" = qdisk ] && pid=$QEMU || pid=$BLKBACK
	before=$(cpu_ticks "$pid")
	xloop exec "$1" -- blkload --dev="$4" --rw="$5" --bs="$6" --qd="$7" --runtime="$(awk "BEGIN { print $ROUND_MS / 1000 }")" --json \
		>load.json 2>>load.log || die "$2 failed on $1"
	after=$(cpu_ticks "$pid")
	[ "$(jq '.errors' load.json)" = 0 ] || die "$2 met errors on $1"
	jq -c --arg case "$2" --arg engine "$1" --argjson round "$3" --argjson ticks $((after - before)) \
		--argjson tick "$TICK" '{$case, $engine, $round, iops, bandwidth,
		cpu_us: ($ticks / $tick * 1e6 / .ios), guest_cpu_us: (.cpu_seconds * 1e6 / .ios),
		p50_us: .latency_us.p50, p99_us: .latency_us.p99}' load.json >>rounds
}

# fio's own processor time is that of the whole program, since its percentages leave io_uring's kernel threads
# out; what it takes to start fio and to end it is taken off.
fio_timed() { # FIO-OPTION...: prints microseconds
	local TIMEFORMAT='%U %S'

	{ time fio --name=bench --ioengine=io_uring --filename="$IMG" --size=${SIZE_MIB}M --norandommap --randrepeat=0 \
		--output-format=json "$@" >fio.json 2>>fio.log; } 2>&1 | awk '{ printf "%d", ($1 + $2) * 1e6 }'
}

round_fio() { # CASE ROUND RW BS QD
	local us base

	base=$(fio_timed --rw="$3" --bs="$4" --iodepth="$5" --number_ios=1)
	us=$(fio_timed --rw="$3" --bs="$4" --iodepth="$5" --time_based --runtime="${ROUND_MS}ms")
	jq -c --arg case "$1" --argjson round "$2" --argjson us $((us - base)) '.jobs[0]
		| (if .read.total_ios > 0 then .read else .write end)
		| {$case, engine: "fio-io_uring", $round, iops, bandwidth: .bw_bytes, cpu_us: ($us / .total_ios),
		p50_us: (.clat_ns.percentile["50.000000"] / 1000), p99_us: (.clat_ns.percentile["99.000000"] / 1000)}' \
		fio.json >>rounds || die "$1 failed in fio"
}

# ---- counts ----

# Runs a command with its output in OUT; prints how many system calls process PID made meanwhile, nothing if that
# can't be known.
syscalls_during() { # PID OUT COMMAND...
	local pid=$1 out=$2 tracer

	shift 2
	if perf stat -x, -o perf.out -e raw_syscalls:sys_enter -p "$pid" -- "$@" >"$out" 2>>perf.log; then
		# A process that never ran is "<not counted>".
		awk -F, '/sys_enter/ { print $1 + 0 }' perf.out
		return
	fi
	strace -f -c -U calls -o strace.out -p "$pid" 2>>strace.log &
	tracer=$!
	sleep 0.3
	"$@" >"$out" 2>>load.log
	kill -INT $tracer
	wait $tracer
	awk '{ last = $1 } END { print last + 0 }' strace.out
}

# One use of a disk, as dom0's and the guest's counters and the tracer see it, in one JSON object.
count_one() { # ENGINE BLKLOAD-OPTION...
	local engine=$1 calls

	shift
	xloop stats --json >before.json
	calls=$(syscalls_during "$(pid_of "$engine")" load.json xloop exec "$engine" -- blkload --json "$@")
	xloop stats --json >after.json
	jq -c -n --arg guest "$engine" --argjson syscalls "${calls:-null}" --slurpfile before before.json \
		--slurpfile after after.json --slurpfile load load.json -f "$TOP/bench/count.jq"
}

count() { # ENGINE CASE DEV RW BS QD
	count_one "$1" --dev="$3" --op=info >connect.json
	count_one "$1" --dev="$3" --rw="$4" --bs="$5" --qd="$6" --runtime=1 >used.json
	jq -c -n -L "$TOP/bench" --arg case "$2" --arg engine "$1" --slurpfile connect connect.json --slurpfile used used.json \
		-f "$TOP/bench/per_io.jq" >>counts || die "$2 failed on $1 while counting"
}

idle_calls() {
	local hold calls

	xloop exec ours -- blkload --dev=xvda --op=hold >>load.log 2>&1 &
	hold=$!
	sleep 1
	calls=$(syscalls_during "$(pid_of ours)" /dev/null sleep 2)
	kill $hold
	wait $hold
	jq -n -c --argjson syscalls "${calls:-null}" '{idle_syscalls: $syscalls, seconds: 2}' >idle
}

# ---- the run ----

# NAME DEV RW BS QD
cases() {
	local rw qd store

	for store in tmpfs null; do
		for rw in randread randwrite; do
			for qd in 1 32; do
				echo "blk-$rw-4k-qd$qd-$store $rw 4k $qd"
			done
		done
		for rw in read write; do
			echo "blk-$rw-128k-qd8-$store $rw 128k 8"
		done
	done
}

measure() { # CASE RW BS QD
	local dev=xvda n

	[[ $1 == *-null ]] && dev=xvdb
	for ((n = 1; n <= ROUNDS; n++)); do
		round_guest ours "$1" $n $dev "$2" "$3" "$4"
		[ $dev = xvda ] || continue
		round_fio "$1" $n "$2" "$3" "$4"
		round_guest qdisk "$1" $n $dev "$2" "$3" "$4"
	done
	count ours "$1" $dev "$2" "$3" "$4"
	[ $dev = xvdb ] || count qdisk "$1" $dev "$2" "$3" "$4"
	jq -L "$TOP/bench" -s -r --arg case "$1" -f "$TOP/bench/progress.jq" rounds
}

say "One file of $SIZE_MIB MiB on tmpfs; blkback, and QEMU's qdisk, each with a guest"
prepare
say "$ROUNDS rounds of $ROUND_MS ms for each contender of each case, and a round that counts"
while read -r name rw bs qd; do
	# shellcheck disable=SC2053 # a pattern
	[[ $name == ${BENCH_CASES:-*} ]] || continue
	measure "$name" "$rw" "$bs" "$qd"
done < <(cases)
idle_calls

mkdir -p "$OUT"
jq -L "$TOP/bench" -s --slurpfile counts counts -f "$TOP/bench/report.jq" rounds >"$OUT/results.json" || die "no results"
say "Results (IOPS; a ratio above 1 means that blkback is faster)"
jq -L "$TOP/bench" -r -f "$TOP/bench/table.jq" "$OUT/results.json" | column -t -s $'\t' -R 2,3,4,5,6,7,8,9,10,11,12,13,14
say "Targets"
jq -L "$TOP/bench" -r --slurpfile idle idle -f "$TOP/bench/targets.jq" "$OUT/results.json"
jq -L "$TOP/bench" -r -f "$TOP/bench/plot.jq" "$OUT/results.json" >plot.dat
gnuplot -e "out='$OUT/results.png'; dat='plot.dat'" "$TOP/bench/plot.gp" || die "gnuplot failed"
for guest in ours qdisk; do
	xloop destroy $guest || die "cannot destroy the guest of $guest"
done
cat <<-END

	These are figures of the embedded Xen, not of a real hypervisor: ratios within one run are what they are
	good for, and the counts hold on both.  The null disk has no peer: fio's null engine moves no data, and
	qdisk's disk specification can't name QEMU's null driver.
	Files: $OUT/results.json $OUT/results.png
END
