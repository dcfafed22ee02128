# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Screens: pvfb, guests that draw (fbplay), viewers (vnc.py).  Source it after lib.sh; call in_network before in_host:
# ports are those of a network of the test's own.

# shellcheck disable=SC2034 # the tests'
VFB=/local/domain/0/backend/vfb
# shellcheck disable=SC2034
VKBD=/local/domain/0/backend/vkbd

in_network() {
	[ -z "${TEST_IN_NETWORK:-}" ] || return 0
	need_root
	TEST_IN_NETWORK=1 exec unshare --net "$BASH" -c "ip link set lo up && exec $BASH \"\$0\" \"\$@\"" "$0" "$@"
}

# pvfb_start [OPTION...]
# shellcheck disable=SC2120 # they are those of some tests only
pvfb_start() {
	# shellcheck disable=SC2086 # options
	"$BUILD/pvfb" -v --password-dir="$WORK/passwords" ${PVFB_OPTIONS:-} "$@" >>"$XLOOP_DIR/pvfb.log" 2>&1 &
	PVFB_PID=$!
	# shellcheck disable=SC2034
	BLKBACK_PID=$PVFB_PID # for test_end, which stops it
}

log_count() { # REGEX
	grep -cE "$1" "$XLOOP_DIR/pvfb.log"
}

# screen_create NAME [VFB-SPEC]: a guest with a screen.
screen_create() {
	{
		echo "name = \"$1\""
		echo "memory = ${SCREEN_MEMORY:-64}"
		echo "vfb = ['${2-vnc=1}']"
	} >"$WORK/$1.cfg"
	xloop create "$WORK/$1.cfg" >/dev/null
}

# play_start NAME [FBPLAY-OPTION...]: the guest's screen is on; process PLAY[NAME], what it says in $WORK/NAME.out.
declare -A PLAY
play_start() {
	local name=$1
	shift
	rm -f "$WORK/$name.in" "$WORK/$name.out"
	mkfifo "$WORK/$name.in"
	xloop exec "$name" -- fbplay "$@" <>"$WORK/$name.in" >"$WORK/$name.out" 2>"$WORK/$name.err" &
	PLAY[$name]=$!
	wait_for 10 grep -q connected "$WORK/$name.out"
}

play() { # NAME COMMAND...: and waits until it is done
	local name=$1 before
	shift
	before=$(grep -c ^done "$WORK/$name.out")
	echo "$*" >"$WORK/$name.in"
	wait_for 10 play_has_done "$name" "$before"
}

play_has_done() {
	[ "$(grep -c ^done "$WORK/$1.out")" -gt "$2" ]
}

play_end() { # NAME: closes its screen
	kill "${PLAY[$1]}" 2>/dev/null
	wait "${PLAY[$1]}"
}

# What the guest was told by keyboard and pointer, in one line.
told() { # NAME
	grep -E '^(key|pos|motion)' "$WORK/$1.out" | xargs
}

port_of() { # NAME
	xenstore-read "/local/domain/$(domid_of "$1")/console/vnc-port"
}

viewer() { # NAME ACTION...
	local port
	port=$(port_of "$1")
	shift
	# shellcheck disable=SC2086 # -w, by WebSocket
	"$TOP/tests/vnc.py" ${VIEWER_OPTIONS:-} "$port" "$@"
}

# The viewer sees what the guest shows.
same_picture() { # NAME
	play "$1" dump "$WORK/$1.ppm" && viewer "$1" shot "$WORK/$1.shot.ppm" && cmp "$WORK/$1.ppm" "$WORK/$1.shot.ppm"
}

vfb_error() { # DOMID KIND
	xenstore-read "/local/domain/0/error/backend/${2:-vfb}/$1/0/error" 2>/dev/null
}

worker_of() { # DOMID
	pgrep -P "$PVFB_PID" -f "^pvfb: dom $1 "
}

rss_kib() { # PID
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

# beside_start: guest 2, g, is to be hostile; guest 1, other, has a screen beside it, whose worker is $neighbour.
beside_start() {
	pvfb_start
	screen_create other 'vnc=1'
	wait_node $VFB/1/0/state 2
	play_start other
	neighbour=$(worker_of 1)
	screen_create g 'vnc=1'
	wait_node $VKBD/2/0/state 2
}
