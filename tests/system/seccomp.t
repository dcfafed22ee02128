#!/bin/bash
# SPDX-License-Identifier: MIT
# What a captured worker can't do: a forbidden system call kills it, a forbidden operation of its io_uring fails.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"

KILLS=(open socket connect execve fork namespace map-code make-code ptrace kill signal prctl keyring dup x32 virq dmabuf
	terminal owner pi-futex new-ring ring-buffers aio)
REFUSED=(op-open op-connect op-send op-socket op-link)
plan $((${#KILLS[@]} + ${#REFUSED[@]} + 14))

# A preloaded library stands before a sanitizer's; and a sanitizer may look for files that it does not find.
export ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0
captured_start() { # WHAT [OPTION...]: a blkback whose workers try that; none is replaced
	: >"$XLOOP_DIR/blkback.log"
	CAPTURED=$1 LD_PRELOAD=$BUILD/tests/captured.so blkback_start --restarts=1 "${@:2}"
	xloop block-attach g "vdev=xvda,target=$WORK/disk.img" 2>>"$WORK/attach"
}
captured_end() {
	xloop block-detach g xvda 2>>"$WORK/attach"
	blkback_stop
}
SENTENCE="the worker of guest 1 was ended by signal 31 .Bad system call.: it made a system call that its filter forbids"
kills() { # WHAT [OPTION...]
	captured_start "$@"
	load --rw=read --ios=1 >"$WORK/load" 2>&1
	like "$(cat "$XLOOP_DIR/blkback.log")" "$SENTENCE|captured: open gave -2"$'\n' "$1: the worker is killed"
	captured_end
}
gave() { # WHAT
	awk -v what="$1" '$1 == "captured:" && $2 == what { print $4 }' "$XLOOP_DIR/blkback.log"
}

image disk.img 16M >/dev/null
guest_create g >/dev/null
for what in "${KILLS[@]}"; do
	kills "$what"
done
kills enter --no-io-uring

# Its death is that of any worker: after the last one the disk closes, with a sentence; and can be connected again.
captured_start socket
load --hold >"$WORK/load" 2>&1
is $? 1 "the guest is told"
ok "  its disk closes" vbd_state 1 51712 6
like "$(vbd_error 1 51712)" "its worker died 1 times, .* the guest can connect it again" "  with a sentence in the store"
is "$(grep -c "$SENTENCE" "$XLOOP_DIR/blkback.log")" 1 "  and one of what it was in the log"
blkback_stop
blkback_start
ok "  it can be connected again" load --rw=read --ios=1
captured_end

# io_uring's operations get around seccomp, so a ring has a filter of its own.
captured_start "$(IFS=,; echo "${REFUSED[*]}"),ports,clone3"
ok "a worker whose io_uring is asked for what it may not serves on" load --rw=randrw --verify --ios=500
for what in "${REFUSED[@]}"; do
	is "$(gave "$what")" -13 "  $what is refused"
done
is "$(gave ports)" -13 "no event channel handle, also of a thread that does not run, binds another guest's ports"
is "$(gave clone3)" -38 "clone3, whose flags no filter sees, is not there"
captured_end

# What it needs is let through: threads that start late, and libaio.
blkback_start --queues=4
xloop block-attach g "vdev=xvda,target=$WORK/disk.img"
xloop exec g -- blkload --dev=xvda --queues=4 --hold >"$WORK/hold" 2>&1 &
hold=$!
wait_for 10 grep -q connected "$WORK/hold"
worker=$(worker_of 1)
tasks=(/proc/"$worker"/task/*)
ok "four queues have threads" [ ${#tasks[@]} -ge 4 ]
is "$(grep -h '^Seccomp:' "${tasks[@]/%//status}" | sort -u)" $'Seccomp:\t2' "  each with the filter"
kill $hold
wait $hold
captured_end
captured_start clone3 --no-io-uring
ok "by libaio and threads it works, too" load --rw=randrw --verify --ios=500
is "$(gave clone3)" -38 "  with the same filter"
captured_end

# What reads a strange server's first bytes has a filter, too.  This server takes its time.
nbdkit --exit-with-parent -f --filter=delay -U "$WORK/nbd.sock" memory 1M delay-open=3 &
wait_for 10 test -S "$WORK/nbd.sock"
blkback_start
xloop block-attach g "vdev=xvda,target=nbd+unix:///?socket=$WORK/nbd.sock" >"$WORK/attach" 2>&1 &
attach=$!
probe_is_filtered() {
	grep -qE '^Seccomp:[[:space:]]2' "/proc/$(pgrep -P "$BLKBACK_PID" -f -- --probe)/status"
}
ok "so has the probe of an NBD server" wait_for 3 probe_is_filtered
wait $attach
captured_end
