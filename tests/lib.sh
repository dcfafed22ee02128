# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Helpers of the system tests: TAP output, a private host, blkback in the background, guests, images.
#
# A test looks like this:
#
#	#!/bin/bash
#	. "$(dirname "$0")/../lib.sh"
#	in_host "$@"		# runs the rest below `xloop run`, with a time limit
#	plan 2
#	blkback_start
#	ok "a guest is created" guest_create g "vdev=xvda,target=$(image disk 1M)"
#	is "$(backend_node g 51712 state)" 2 "its backend waits for the guest"
#
# All files go to $WORK, which is inside the host's directory and vanishes with it.  A test that fails shows
# the ends of all logs.  A sanitizer's report in any log is a failure too.  Nothing here sleeps blindly.

set -u
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in
/*) ;;
*) BUILD=$TOP/$BUILD ;;
esac
export BUILD
PATH=$BUILD:$PATH:/usr/sbin:/sbin

# A sanitizer's report must not pass for a command's own failure.
export ASAN_OPTIONS=${ASAN_OPTIONS:-exitcode=99} UBSAN_OPTIONS=${UBSAN_OPTIONS:-exitcode=99}
export TSAN_OPTIONS=${TSAN_OPTIONS:-exitcode=99:suppressions=$TOP/tests/tsan.supp}

# Seconds after which a test has hung.  Sanitized builds get more.
TEST_TIMEOUT=${TEST_TIMEOUT:-120}

# A trap at EXIT that bash runs within the signal's own handling can't substitute commands: it hangs.
trap 'exit 143' TERM

tap_count=0
tap_failed=0
tap_plan=0

# ---- TAP ----

plan() {
	tap_plan=$1
	echo "1..$1"
}

diag() {
	printf '%s\n' "$*" | sed 's/^/# /' >&2
}

tap_result() { # 0|1 DESCRIPTION
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		echo "not ok $tap_count - $2"
		tap_failed=$((tap_failed + 1))
	fi
	return "$1"
}

# ok DESCRIPTION COMMAND...: the command succeeds.
ok() {
	local desc=$1 out rc=0
	shift
	out=$("$@" 2>&1) || rc=1
	tap_result $rc "$desc" && return 0
	diag "failed: $*"
	[ -z "$out" ] || diag "$out"
	return 1
}

# not_ok DESCRIPTION COMMAND...: the command fails, with its own failure and not by a signal.
not_ok() {
	local desc=$1 out rc=0
	shift
	out=$("$@" 2>&1) || rc=$?
	if [ $rc -gt 0 ] && [ $rc -lt 125 ] && [ $rc -ne 99 ]; then
		tap_result 0 "$desc"
		return 0
	fi
	tap_result 1 "$desc"
	diag "exit status $rc: $*"
	[ -z "$out" ] || diag "$out"
	return 1
}

# is GOT WANT DESCRIPTION
is() {
	[ "$1" = "$2" ] && tap_result 0 "$3" && return 0
	tap_result 1 "$3"
	diag "got:  $1"
	diag "want: $2"
	return 1
}

# like GOT REGEX DESCRIPTION (extended regular expression)
like() {
	[[ $1 =~ $2 ]] && tap_result 0 "$3" && return 0
	tap_result 1 "$3"
	diag "got: $1"
	diag "which does not match: $2"
	return 1
}

# ---- the host ----

show_logs() {
	local log
	for log in "${XLOOP_DIR:-/nonexistent}"/*.log; do
		[ -s "$log" ] || continue
		diag "--- $(basename "$log")"
		diag "$(tail -n 25 "$log")"
	done
}

sanitizer_reports() {
	grep -lE 'ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|: runtime error: ' \
		"${XLOOP_DIR:-/nonexistent}"/*.log 2>/dev/null
}

test_end() {
	local rc=0 reports
	trap - EXIT
	if [ -n "${BLKBACK_PID:-}" ]; then
		blkback_stop || rc=1
	fi
	if [ -n "${NETBACK_PID:-}" ]; then
		netback_stop || rc=1
	fi
	reports=$(sanitizer_reports)
	if [ -n "$reports" ]; then
		diag "a sanitizer reported in: $reports"
		rc=1
	fi
	if [ "$tap_count" -ne "$tap_plan" ]; then
		diag "planned $tap_plan tests, ran $tap_count"
		rc=1
	fi
	if [ $rc -ne 0 ] || [ $tap_failed -gt 0 ]; then
		rc=1
		show_logs
	fi
	[ -n "${XLOOP_DIR:-}" ] || rm -rf "$WORK"
	exit $rc
}

need_root() {
	[ "$(id -u)" -eq 0 ] && return 0
	echo "Bail out! the system tests need root (run: sudo make check)"
	exit 1
}

timed() {
	exec timeout --foreground --kill-after=20 "$TEST_TIMEOUT" "$@"
}

# Runs the rest of the test in a private host of its own.
in_host() {
	need_root
	if [ -z "${TEST_IN_HOST:-}" ]; then
		export TEST_IN_HOST=1
		timed "$BUILD/xloop" run -- "$BASH" "$0" "$@"
	fi
	WORK=$XLOOP_DIR/work
	mkdir -p "$WORK"
	trap test_end EXIT
}

# Runs the rest of the test without a host.
no_host() {
	if [ -z "${TEST_IN_HOST:-}" ]; then
		export TEST_IN_HOST=1
		timed "$BASH" "$0" "$@"
	fi
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/halfback-test.XXXXXX")
	trap test_end EXIT
}

# ---- what guest g does with its disk xvda ----

load() {
	xloop exec g -- blkload --dev=xvda "$@"
}

# field JSON-KEY BLKLOAD-OPTION...: of what that gave
field() {
	local key=$1
	shift
	load --json "$@" 2>/dev/null | jq -r "$key"
}

# ---- waiting ----

# wait_for SECONDS COMMAND...: until the command succeeds, which is looked at every WAIT_STEP seconds.
wait_for() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "${EPOCHREALTIME/./}" -ge $end ]; then
			diag "timed out waiting for: $*"
			return 1
		fi
		read -rt "${WAIT_STEP:-0.05}" <> <(:) || :
	done
}

node_is() {
	[ "$(xenstore-read "$1" 2>/dev/null)" = "$2" ]
}

no_node() {
	! xenstore-read "$1" >/dev/null 2>&1
}

# wait_node PATH VALUE [SECONDS]
wait_node() {
	wait_for "${3:-10}" node_is "$1" "$2" && return 0
	diag "$1 is \"$(xenstore-read "$1" 2>&1)\""
	return 1
}

# ---- things to test with ----

# blkback_start [OPTION...]: with the options in BLKBACK_OPTIONS besides, by which a test is run in another way.
# BLKBACK: another program than that of the build.
blkback_start() {
	# shellcheck disable=SC2086 # options
	"${BLKBACK:-$BUILD/blkback}" ${BLKBACK_OPTIONS:-} "$@" >>"$XLOOP_DIR/blkback.log" 2>&1 &
	BLKBACK_PID=$!
}

# program_install PROGRAM FILE WORD: one that is another program than that with another word, put in FILE's place as make
# install does.
program_install() {
	{ cat "$1" && printf '\nversion %s\n' "$3"; } >"$2.new"
	chmod 755 "$2.new"
	mv "$2.new" "$2"
}
program_word() { # PID: which one it executes
	tail -n 1 "/proc/$1/exe" 2>/dev/null | sed 's/^version //'
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

# netback_start [OPTION...]: the same for netback, and NETBACK_OPTIONS.
netback_start() {
	# shellcheck disable=SC2086 # options
	"${NETBACK:-$BUILD/netback}" ${NETBACK_OPTIONS:-} "$@" >>"$XLOOP_DIR/netback.log" 2>&1 &
	NETBACK_PID=$!
}

# Ends a daemon by SIGTERM and tells whether it ended well.
daemon_stop() { # NAME PID
	local rc=0
	kill "$2" 2>/dev/null
	if ! wait_for 10 is_gone "$2"; then
		kill -9 "$2" 2>/dev/null
	fi
	wait "$2" || rc=$?
	[ $rc -eq 0 ] || [ $rc -eq 143 ] && return 0
	diag "$1 ended with status $rc"
	return 1
}

blkback_stop() {
	local pid=$BLKBACK_PID
	BLKBACK_PID=
	daemon_stop blkback "$pid"
}

netback_stop() {
	local pid=$NETBACK_PID
	NETBACK_PID=
	daemon_stop netback "$pid"
}

# image NAME SIZE: makes a sparse file and prints its path.
image() {
	truncate -s "$2" "$WORK/$1" && echo "$WORK/$1"
}

# guest_config NAME [DISK-SPEC...]: writes an xl.cfg and prints its path.
guest_config() {
	local name=$1 spec
	shift
	{
		echo "name = \"$name\""
		echo "memory = 64"
		echo "disk = ["
		for spec; do
			echo "	'$spec',"
		done
		echo "]"
	} >"$WORK/$name.cfg"
	echo "$WORK/$name.cfg"
}

guest_create() {
	xloop create "$(guest_config "$@")"
}

domid_of() {
	xloop list | awk -v name="$1" '$1 == name { print $2 }'
}

# backend_node GUEST DEVID KEY, frontend_node GUEST DEVID KEY
backend_node() {
	xenstore-read "/local/domain/0/backend/vbd/$(domid_of "$1")/$2/$3"
}

frontend_node() {
	xenstore-read "/local/domain/$(domid_of "$1")/device/vbd/$2/$3"
}

# A stand-in for a backend: answers each device's first state with 2 (or FAKE_FIRST) and Closing with 6, and does
# no I/O.  For tests of the toolstack's side alone.  It says that it is halfback's (or FAKE_SERVES).  FAKE_KIND is vbd,
# or vif.
fake_backend_start() {
	local first=${FAKE_FIRST:-2} serves=${FAKE_SERVES-halfback} kind=${FAKE_KIND:-vbd} events
	events=$(mktemp "$WORK/backend-events.XXXXXX")
	xenstore-watch "/local/domain/0/backend/$kind" >>"$events" 2>/dev/null &
	FAKE_WATCH=$!
	wait_for 10 test -s "$events" # the watch is set: it tells of that first
	tail -n +1 -s 0.02 -f --pid=$FAKE_WATCH "$events" | while read -r path; do
		case $path in
		*/state) ;;
		*) continue ;;
		esac
		case $(xenstore-read "$path" 2>/dev/null) in
		1) xenstore-write "${path%state}served-by" "$serves" "$path" "$first" ;;
		5) xenstore-write "$path" 6 ;;
		esac
	done &
}

fake_backend_stop() {
	kill "$FAKE_WATCH" 2>/dev/null
	wait "$FAKE_WATCH" 2>/dev/null
	return 0
}
