# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What bench.sh counts: hypercalls, notifications and system calls per I/O.

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
	local engine=$1 guest calls

	shift
	guest=$(guest_of "$engine")
	xloop stats --json >before.json
	calls=$(syscalls_during "$(pid_of "$engine")" load.json xloop exec "$guest" -- blkload "$@")
	xloop stats --json >after.json
	jq -c -n --arg guest "$guest" --argjson syscalls "${calls:-null}" --slurpfile before before.json \
		--slurpfile after after.json --slurpfile load load.json -f "$TOP/bench/count.jq"
}

# Pages that stay mapped are mapped once, early: the longer the use, the fewer of them per I/O.
count() { # ENGINE CASE STORE RW BS QD QUEUES
	case $1 in
	fio-io_uring | eventfd | ours-nopoll) return ;;
	ours*) blkback_as "$1" ;;
	esac
	load_options "$@"
	count_one "$1" "${LOAD[@]}" --op=info >connect.json
	count_one "$1" "${LOAD[@]}" --runtime=0.4 >used.json
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
