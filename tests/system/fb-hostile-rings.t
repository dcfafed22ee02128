#!/bin/bash
# SPDX-License-Identifier: MIT
# What a connected screen's guest can do to the memory that it shares, while somebody looks: what is the backend's is not
# believed, any event is taken for what it is, pages that are given back are zeros; and its neighbour's viewer does not notice.
#
# shellcheck disable=SC2016 # single quotes: for eval
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 24

# What fbhostile leaves on its screen; forget leaves zeros.
want() { # BYTE BYTE BYTE
	python3 -c 'import sys
sys.stdout.buffer.write(bytes(int(b, 16) for b in sys.argv[1:4] + ["0"]) * (640 * 480))' "$@" | md5sum
}
shows() { # SUM
	timeout 20 "$TOP/tests/vnc.py" "$(port_of g)" raw "$WORK/raw" && [ "$(md5sum <"$WORK/raw")" = "$1" ]
}
# hostile CASE SECONDS: while a viewer asks for updates all the time
hostile() {
	mkfifo "$WORK/in"
	xloop exec g -- "$BUILD/tests/fbhostile" "$@" <>"$WORK/in" >"$WORK/out" 2>"$WORK/err" &
	GUEST=$!
	wait_for 10 grep -q connected "$WORK/out"
	worker=$(worker_of 2)
	viewer g frames 100 >/dev/null 2>&1 &
	LOOKS=$!
}
hostile_done() {
	wait_for 30 grep -q "^done" "$WORK/out"
}
hostile_end() {
	kill $LOOKS 2>/dev/null
	wait $LOOKS 2>/dev/null
	echo >"$WORK/in"
	wait $GUEST
	rm "$WORK/in"
	wait_for 10 node_is $VFB/2/0/state 6
}
survives() { # CASE SECONDS SUM
	hostile "$1" "$2"
	ok "$1: the neighbour's picture is right meanwhile" same_picture other
	hostile_done
	ok "  it shows what it drew last" wait_for 20 shows "$3"
	is "$(xenstore-read $VFB/2/0/state) $(worker_of 2)" "4 $worker" "  it is connected, with the worker that it had"
	hostile_end
}

beside_start
colour=$(want 56 34 12)

survives storm 1 "$colour"
survives cons 1 "$colour"
survives head 1 "$colour"
survives thrash 3 "$colour"
survives forget 0 "$(want 0 0 0)"

hostile scribble 2
ok "scribble: its screen closes" wait_for 20 node_is $VFB/2/0/state 6
like "$(vfb_error 2)" "more events than slots|fbif.h does not have" "  with a sentence"
ok "  the neighbour's picture is right" same_picture other
hostile_end

for index in 4294967295 4294967270 2147483647; do
	play_start g --no-keyboard --size=640x480 --index=$index
	for n in {1..60}; do
		echo "fill $n $n 20 20 00ff$n"
	done >"$WORK/g.in"
	wait_for 20 eval '[ "$(grep -c ^done "$WORK/g.out")" -ge 60 ]'
	ok "indices from $index on: 60 events, and the picture is right" same_picture g
	play_end g
done
is "$(worker_of 1)" "$neighbour" "the neighbour has the worker that it had"
is "$(log_count "ended by signal|ended with status")" 0 "no worker died"
ok "with few lines in the log" [ "$(log_count "guest 2: |vfb 0: asked")" -lt 60 ]
play_end other
