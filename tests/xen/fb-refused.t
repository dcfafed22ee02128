#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Screens that can't be: xl create ends, its device model's log says why in one sentence, nothing is left, and the next
# guest is served.
#
# shellcheck disable=SC2016 # single quotes: for eval

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/fb.sh"
xen_test 17

listen_at() { # PORT
	python3 -c 'import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
time.sleep(1000)' "$1" &
	LISTENER=$!
	wait_for 10 eval '[ -n "$(ss -Hltn "sport = '"$1"'")" ]'
}
refused() { # DESCRIPTION SENTENCE
	not_ok "$1: xl create ends" xl create "$config"
	like "$(dm_log g)" "halfback-dm: $2" "  its device model says why"
	is "$(dm_log g | grep -c .)" 1 "  in one sentence"
	ok "  nothing is left" wait_for 10 only_dom0
}

pvfb_start
listen_at 5907
config=$(screen_config g 'vnc=1,vncdisplay=7,vncunused=0')
refused "a port that somebody else has" \
	"screen 0 of guest [0-9]+: port 5907 of 127.0.0.1 is in use; choose another vncdisplay, or vncunused=1"
kill $LISTENER
config=$(screen_config g 'vnc=1,vnclisten=192.0.2.1')
refused "an address that is none of this host's" "screen 0 of guest [0-9]+: can't listen at port 5900 of 192.0.2.1: .*"
config=$(screen_config g 'vnc=1')
sed -i "s/^type=.*/type='hvm'/; /^kernel=/d; /^ramdisk=/d; /^cmdline=/d" "$config"
refused "a guest of type hvm" "guest [0-9]+ is of type hvm, whose machine only QEMU can be; take device_model_override out"
pvfb_stop
config=$(screen_config g 'vnc=1')
refused "no pvfb" "pvfb does not take the .*s of guest [0-9]+; start it"
pvfb_start
ok "the next guest is served, and sees no trace of it" eval 'screen_start g "vnc=1,vncdisplay=7,vncunused=0" &&
	[ "$(viewer g size)" = "800 600" ]'
