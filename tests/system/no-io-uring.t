#!/bin/bash
# SPDX-License-Identifier: MIT
# Where the kernel forbids io_uring, blkback says so once and serves its guests without any.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 37

xloop create "$(guest_config g)" >/dev/null
load() {
	xloop exec g -- blkload --dev=xvda "$@"
}
# A frontend that is connected and does nothing: the worker is there.
hold_start() {
	: >"$WORK/hold"
	xloop exec g -- blkload --dev=xvda --hold >>"$WORK/hold" 2>&1 &
	HOLD=$!
	wait_for 10 grep -q connected "$WORK/hold"
}
hold_end() {
	kill "$HOLD"
	wait "$HOLD"
}
# How many io_uring the supervisor and the worker of guest 1 hold.
rings() {
	find "/proc/$BLKBACK_PID/fd" "/proc/$(worker_of 1)/fd" -lname '*io_uring*' | wc -l
}
start() { # COMMAND...: starts blkback, by COMMAND
	: >"$XLOOP_DIR/blkback.log"
	"$@" >>"$XLOOP_DIR/blkback.log" 2>&1 &
	BLKBACK_PID=$!
}
serves() { # REGEX HOW: one line says why, and a disk works
	ok "$2: a disk is attached" xloop block-attach g "vdev=xvda,target=$(image disk.img 16M)"
	ok "  every block is as it was written" load --rw=randrw --verify --qd=32 --flush-every=16
	is "$(log_count "$1")" 1 "  one line of the log says so"
	ok "  discard and barrier work" load --op=discard --offset=1M --size=1M
	hold_start
	is "$(rings)" 0 "  there is no io_uring"
	hold_end
	xloop block-detach g xvda
	blkback_stop
	is $? 0 "  blkback ends in order"
}

start "$BUILD/blkback"
xloop block-attach g "vdev=xvda,target=$(image disk.img 16M)"
hold_start
ok "where io_uring is allowed, supervisor and worker have one" [ "$(rings)" -ge 2 ]
is "$(log_count 'libaio')" 0 "  and nothing is said about it"
hold_end
xloop block-detach g xvda
blkback_stop

# A call of any other than io_uring_setup would end the process.
never=(kill io_uring_enter kill io_uring_register)
start "$BUILD/tests/forbid" 1 io_uring_setup "${never[@]}" -- "$BUILD/blkback"
serves "io_uring can't be used .Operation not permitted.: disks are served by libaio" "a filter that denies"
start "$BUILD/tests/forbid" 38 io_uring_setup "${never[@]}" -- "$BUILD/blkback"
serves "io_uring can't be used .Function not implemented.: disks are served by libaio" "a kernel without"

# 1: the supervisor may, its workers may not.  (A real one would hold for the whole machine.)
for value in 1 2; do
	echo $value >"$WORK/disabled"
	# shellcheck disable=SC2016 # for the inner shell
	start unshare --mount sh -c 'mount --bind "$1" /proc/sys/kernel/io_uring_disabled && exec "$2"' sh \
		"$WORK/disabled" "$BUILD/blkback"
	[ $value -eq 1 ] && serves "kernel.io_uring_disabled forbids io_uring: disks are served by libaio" "kernel.io_uring_disabled"
done
wait_for 10 grep -q libaio "$XLOOP_DIR/blkback.log"
is "$(log_count 'kernel.io_uring_disabled forbids')" 1 "kernel.io_uring_disabled = 2 is told, too"
blkback_stop

start "$BUILD/blkback" --no-io-uring
serves "io_uring is not used: disks are served by libaio, as --no-io-uring says" "the option"

start "$BUILD/tests/forbid" 1 io_uring_setup "${never[@]}" 11 io_setup kill io_submit -- "$BUILD/blkback"
serves "all of fs.aio-max-nr is in use, so disks are served by threads; raise it" "no libaio either"

# A store that can't say whether it would block: it is left to threads.
mkdir "$WORK/fuse"
nbdfuse "$WORK/fuse/disk.img" --command nbdkit -s memory 16M &
fuse=$!
wait_for 10 test -s "$WORK/fuse/disk.img"
blkback_start --no-io-uring
xloop block-attach g "vdev=xvda,target=$WORK/fuse/disk.img"
ok "a store without RWF_NOWAIT works" load --rw=randrw --verify --qd=32 --ios=3000
ok "  by a few threads" [ "$(find "/proc/$(worker_of 1)/task" -mindepth 1 -maxdepth 1 | wc -l)" -le 11 ]
xloop exec g -- blkload --dev=xvda --rw=randrw --verify --qd=4 --runtime=100 --json >"$WORK/load.json" 2>&1 &
load=$!
wait_for 10 node_is "$BE/1/51712/state" 4
blkback_stop
is $? 0 "  and blkback ends in order under load"
blkback_start --no-io-uring
kill $load
wait $load
is "$(jq -c '[.errors, .verify_errors]' "$WORK/load.json")" "[0,0]" "  which the next one serves on"
xloop block-detach g xvda
blkback_stop
fusermount3 -u "$WORK/fuse"
wait $fuse
