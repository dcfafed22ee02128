# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Screens: what an update costs pvfb, of all of 1024x768 and of 16x16, at 75 a second to a local viewer that takes raw
# pixels; and how old what was drawn is when its last byte has come.  There is no peer: QEMU's screen is not its own process.
#
# Guest, worker and viewer share one processor.  Processor time is the worker's, from the scheduler's account in
# nanoseconds; system calls are counted in a round of their own.

SCREEN_HZ=75
SCREEN_SECONDS=2
declare -A SCREEN_AREA=([fb-full-1024x768]="0 0 1024 768" [fb-small-16x16]="500 300 16 16")

screen_cases() {
	echo fb-full-1024x768
	echo fb-small-16x16
}

screen_start() {
	ip link set lo up
	taskset -c 0 pvfb >>pvfb.log 2>&1 &
	PVFB=$!
	printf 'name = "screen"\nmemory = 64\nvfb = [ "vnc=1" ]\n' >screen.cfg
	xloop create screen.cfg >/dev/null || die "cannot make a guest with a screen"
	mkfifo screen.in
	taskset -c 0 xloop exec screen -- fbplay --size=1024x768 <>screen.in >screen.out 2>>load.log &
	PLAY=$!
	screen_wait connected
	SCREEN_PORT=$(xenstore-read "/local/domain/$(domid_of screen)/console/vnc-port")
	SCREEN_WORKER=$(pgrep -P "$PVFB")
}

screen_wait() { # WORD: said by the guest's screen, or by its viewer
	local tries=500

	until grep -qs "$1" screen.out screen.load; do
		((tries-- > 0)) || die "the screen does not say $1"
		sleep 0.02
	done
}

screen_stop() {
	kill "$PLAY" "$PVFB"
	wait "$PLAY" "$PVFB"
	xloop destroy screen
	rm screen.in
}

screen_ns() {
	cat /proc/"$SCREEN_WORKER"/task/*/schedstat | awk '{ ns += $1 } END { printf "%.0f", ns }'
}

# Private memory of the worker beside its shadow of 3 MiB, with a viewer.
screen_kib() {
	awk '/^RssAnon/ { print $2 - 3072 }' "/proc/$SCREEN_WORKER/status"
}

# screen_play CASE: draws, while a viewer looks; what it saw is in screen.load.
screen_play() {
	rm -f screen.load
	taskset -c 0 "$BUILD/tests/vncload" "$SCREEN_PORT" >screen.load &
	LOOKS=$!
	screen_wait ready
	before=$(screen_ns)
	: >screen.out
	echo "stamp ${SCREEN_AREA[$1]} $SCREEN_HZ $SCREEN_SECONDS" >screen.in
	screen_wait "done"
	sleep 0.1
	after=$(screen_ns) kib=$(screen_kib)
	kill $LOOKS
	wait $LOOKS
}

screen_round() { # CASE ROUND
	local before after kib

	screen_play "$1"
	tail -n 1 screen.load | jq -c --arg case "$1" --argjson round "$2" --argjson ns "$((after - before))" --argjson kib "$kib" '
		{$case, engine: "ours", $round, iops: (.updates / .seconds), cpu_us: ($ns / 1000 / .updates), p50_us, p99_us, max_us, $kib}' >>fb ||
		die "the viewer saw nothing"
}

screen_count() { # CASE: system calls of the worker for an update
	local before after kib tracer

	strace -qq -f -c -o screen.calls -p "$SCREEN_WORKER" 2>>load.log &
	tracer=$!
	sleep 0.3
	screen_play "$1"
	kill -INT $tracer
	wait $tracer
	tail -n 1 screen.load | jq -c --arg case "$1" --argjson calls "$(awk '$NF == "total" { print $4 }' screen.calls)" '
		{$case, counts: {syscalls_per_update: ($calls / .updates)}}' >>fb-counts
}

screens_all() {
	local work n

	say "A screen of 1024x768: pvfb and a viewer, $SCREEN_HZ updates a second"
	screen_start
	for work in $(screen_cases); do
		chosen "$work" || continue
		for ((n = 1; n <= ROUNDS; n++)); do
			screen_round "$work" $n
		done
		screen_count "$work"
	done
	screen_stop
}
