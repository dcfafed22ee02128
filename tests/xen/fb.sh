# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Screens of stock guests on real Xen: pvfb, guests whose device model is halfback-dm, viewers (tests/vnc.py), and the
# comparison of what a guest has in its framebuffer with what a viewer sees.  Sourced after lib.sh.

FB_BYTES=1920000 # 800 x 600 x 32 bits, what xen-fbfront has unless it is told otherwise

pvfb_start() {
	ip link set lo up
	echo "--- $0" >>"$LOG/pvfb.log"
	"$BUILD/pvfb" -v >>"$LOG/pvfb.log" 2>&1 &
	PVFB_PID=$!
}

pvfb_stop() {
	local pid=$PVFB_PID
	PVFB_PID=
	kill "$pid" && wait "$pid"
}

# The next test in this boot starts its own; xen_test_end() calls this.
fb_end() {
	[ -z "${PVFB_PID:-}" ] || pvfb_stop
}

pvfb_kill() {
	kill -9 "$PVFB_PID"
	wait "$PVFB_PID" 2>/dev/null
}

fb_worker() { # NAME
	pgrep -P "$PVFB_PID" -f "^pvfb: dom $(xl domid "$1") "
}

no_screens() { # no worker, and no port that viewers would find
	! pgrep -f '^pvfb: dom' >/dev/null && [ -z "$(ss -Hltn 'sport >= 5900 and sport <= 6000')" ]
}

# screen_config NAME VFB [pv|pvh [XL-LINE...]]
screen_config() {
	local config
	config=$(guest_config "$1" "${3:-pv}")
	{
		if [ $# -gt 3 ]; then sed '/^disk=\[/,/^\]/d' "$config"; else cat "$config"; fi
		echo "device_model_version='qemu-xen'"
		echo "device_model_override='$BUILD/halfback-dm'"
		echo "vfb=['$2']"
		[ $# -le 3 ] || printf '%s\n' "${@:4}"
	} >"$config.vfb"
	echo "$config.vfb"
}

# A PVH guest may die before its kernel's first line, as in guest_create.
screen_start() { # like screen_config
	local tries=3
	while true; do
		: >"$(console_of "$1")"
		xl create "$(screen_config "$@")" || return 1
		wait_for 90 guest_ready_or_dead "$1"
		if ! guest_silent_death "$1" || [ $((--tries)) -eq 0 ]; then
			break
		fi
	done
	guest_boot "$1"
}

dm_log() { # NAME
	cat "/var/log/xen/qemu-dm-$1.log"
}

port_of() { # NAME
	xenstore-read "/local/domain/$(xl domid "$1")/console/vnc-port"
}

viewer() { # NAME ACTION...
	local port
	port=$(port_of "$1") || return 1
	shift
	"$TOP/tests/vnc.py" "$port" "$@"
}

# viewer_stays NAME: LOOKS is the process of a viewer that has seen the picture and stays; it ends when it is disconnected.
viewer_stays() {
	rm -f "$WORK/seen.$1"
	viewer "$1" raw "$WORK/seen.$1" closed >/dev/null 2>&1 &
	# shellcheck disable=SC2034 # the tests'
	LOOKS=$!
	wait_for 20 test -s "$WORK/seen.$1"
}

# What the guest has in its framebuffer, and what a viewer sees.
guest_sum() { # NAME
	guest_run "$1" "dd if=/dev/fb0 bs=$FB_BYTES count=1 2>/dev/null | md5sum"
}
viewer_sum() { # NAME
	viewer "$1" raw "$WORK/raw" && md5sum <"$WORK/raw"
}
viewer_sees() { # NAME SUM
	[ "$(viewer_sum "$1")" = "$2" ]
}
same_picture() { # NAME
	local want
	want=$(guest_sum "$1")
	[ -n "$want" ] && wait_for 20 viewer_sees "$1" "$want"
}

# fb_steady NAME: the console's cursor does not blink, so that a picture stays what it is.
fb_steady() {
	guest_run "$1" 'echo 0 >/sys/class/graphics/fbcon/cursor_blink' >/dev/null
}

# States of screen and keyboard at both ends.
fb_states() { # NAME
	local domid kind
	domid=$(xl domid "$1")
	for kind in vfb vkbd; do
		xenstore-read "/local/domain/0/backend/$kind/$domid/0/state" "/local/domain/$domid/device/$kind/0/state"
	done | xargs
}
