#!/bin/bash
# SPDX-License-Identifier: MIT
# What a screen costs: no system call where nothing happens, next to nothing where nobody looks, and memory for its shadow
# and little else.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 9

case $BUILD in */asan | */tsan) times=8 ;; *) times=1 ;; esac
calls() { # SECONDS: of supervisor and worker, in $WORK/strace
	strace -f -o "$WORK/strace" -p "$worker" -p "$PVFB_PID" 2>/dev/null &
	local tracer=$! noise='unfinished|restart_syscall|attached' before
	case $BUILD in */tsan) noise="$noise|gettimeofday|nanosleep|exited" ;; esac # its runtime's own thread
	sleep 0.3
	before=$(grep -vcE "$noise" "$WORK/strace")
	sleep "$1"
	echo $(($(grep -vcE "$noise" "$WORK/strace") - before))
	kill -INT $tracer
	wait $tracer 2>/dev/null
}
clicks() { # of processor time that the worker has used, 10 ms each
	awk '{ print $14 + $15 }' "/proc/$worker/stat"
}
anonymous_kib() {
	awk '/^RssAnon/ { print $2 }' "/proc/$worker/status"
}

pvfb_start
screen_create g 'vnc=1'
wait_node $VKBD/1/0/state 2
play_start g --size=1024x768
worker=$(worker_of 1)
kib=$(anonymous_kib)
ok "a worker has less than $(((3 + 8) * times)) MiB, of which its shadow is 3 ($kib KiB)" \
	[ "$kib" -lt $(((3 + 8) * 1024 * times)) ]
is "$(calls 2)" 0 "no system call for two seconds where nobody looks and nothing is drawn" || diag "$(cat "$WORK/strace")"
viewer g shot "$WORK/x.ppm" next 8 >"$WORK/next" &
looks=$!
wait_for 5 test -s "$WORK/x.ppm"
sleep 0.5
is "$(calls 2)" 0 "nor where somebody looks" || diag "$(cat "$WORK/strace")"
ok "and strace did see them" grep -qE 'io_uring_enter|epoll_wait' "$WORK/strace"
play g fill 0 0 10 10 ff0000
wait $looks
is "$(cat "$WORK/next")" $((4 + 12 + 400)) "what is drawn then is sent"
before=$(clicks)
play g play 2
used=$(($(clicks) - before))
ok "a guest that draws for nobody costs next to nothing (${used}0 ms in 2 s)" [ $used -lt $((8 * times)) ]
# One that reads nothing looks at nothing.
viewer g flood 200 sleep 3 &
looks=$!
sleep 1
before=$(clicks)
play g play 1
used=$(($(clicks) - before))
ok "nor one that draws for a viewer who does not read (${used}0 ms in 1 s)" [ $used -lt $((4 * times)) ]
kill $looks
play g fill 0 0 1024 768 000000
viewer g frames 2 >"$WORK/frames" &
looks=$!
play g play 2
wait $looks
read -r updates screens bytes <"$WORK/frames"
ok "a viewer gets many updates of all of it in two seconds ($updates updates, $screens screens, $bytes bytes)" [ "$screens" -gt 20 ]
ok "and then sees the last one" same_picture g
play_end g
