#!/bin/bash
# SPDX-License-Identifier: MIT
# The toolstack's keys: which address and port, which password, and what is said when they can't be had.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 32

with_password() { # NAME PASSWORD ACTION...
	local port
	port=$(port_of "$1")
	"$TOP/tests/vnc.py" -p "$2" "$port" "${@:3}"
}

pvfb_start
screen_create a 'vnc=1,vncdisplay=3,vncunused=0'
wait_node $VFB/1/0/state 2
is "$(port_of a)" 5903 "vncdisplay says the port"
screen_create b 'vnc=1,vncdisplay=3,vncunused=1'
wait_node $VFB/2/0/state 2
is "$(port_of b)" 5904 "with vncunused=1 it is the next that is free"
screen_create c 'vnc=1,vncdisplay=3,vncunused=0'
ok "without, the screen is refused" wait_node $VFB/3/0/state 6
like "$(vfb_error 3)" "port 5903 of 127.0.0.1 is in use; choose another vncdisplay, or vncunused=1" "  with a sentence"
is "$(xenstore-read $VKBD/3/0/state)" 2 "  its keyboard is there all the same"
xloop destroy a
xloop destroy c
screen_create d 'vnc=1,vnclisten=0.0.0.0:5,vncunused=0'
wait_node $VFB/4/0/state 2
is "$(port_of d) $(xenstore-read /local/domain/4/console/vnc-listen)" "5905 0.0.0.0" "vnclisten may have a display"
screen_create e 'vnc=1,vnclisten=[::1]:6'
wait_node $VFB/5/0/state 2
is "$(port_of e) $(xenstore-read /local/domain/5/console/vnc-listen)" "5906 ::1" "and be an IPv6 address"
screen_create f 'vnc=1,vnclisten=example.org'
wait_node $VFB/6/0/state 6
like "$(vfb_error 6)" "can't listen .* vnclisten has to be an address of this host" "a name is none"
screen_create h 'vnc=1,vncdisplay=59636'
wait_node $VFB/7/0/state 6
like "$(vfb_error 7)" "vncdisplay is no number of a display" "and a port has 16 bits"
screen_create i 'vnc=0'
wait_node $VFB/8/0/state 2
play_start i
is $? 0 "with vnc=0 a screen is connected"
no_node /local/domain/8/console/vnc-port
is $? 0 "  and nobody is told of a port"
play_end i
for name in b d e f h i; do
	xloop destroy $name
done
is "$(ss -Hltn | wc -l)" 0 "no port is left"

# Passwords.
screen_create p 'vnc=1,vncpasswd=sesame'
wait_node $VFB/9/0/state 2
play_start p
not_ok "without its password there is nothing to see" viewer p size
not_ok "with a wrong one neither" with_password p sesam size
like "$(log_count "gave a wrong password")" "1" "  and the log has a line"
is "$(with_password p sesame size)" "800 600" "with it there is"
kill -9 "$(worker_of 9)"
wait_for 10 with_password p sesame size
is "$(with_password p sesame size)" "800 600" "the next worker has it, too"
not_ok "  and wants it" viewer p size
grep -rl sesame "$HALFBACK_RUN_DIR" >"$WORK/leaks"
is "$(cat "$WORK/leaks")" "" "it is in no file"
play_end p
wait_node $VFB/9/0/state 6
ok "a screen that is closed is told nobody of" no_node /local/domain/9/console/vnc-port
mkdir -m 700 "$WORK/passwords"
printf 'open\nlook\n' >"$WORK/passwords/q.password"
chmod 644 "$WORK/passwords/q.password"
screen_create q 'vnc=1,vncpasswd=sesame'
wait_node $VFB/10/0/state 6
like "$(vfb_error 10)" "q.password can be read by others than root; chown root and chmod 600 it" \
	"a password file for everybody is refused"
xloop destroy q
chmod 600 "$WORK/passwords/q.password"
screen_create q 'vnc=1,vncpasswd=sesame'
wait_node $VKBD/11/0/state 2
play_start q
is $? 0 "one for root alone is taken"
not_ok "it is preferred to the toolstack's" with_password q sesame size
is "$(with_password q open type a size)" "800 600" "its first line is the password"
wait_for 5 grep -q "key 30 up" "$WORK/q.out"
is "$(told q)" "key 30 down key 30 up" "  with which one may type"
is "$(with_password q look type b scan 0x30 down move 1 1 1 size)" "800 600" "its second line is for looking"
is "$(with_password q open type c size)" "800 600" "  (and then somebody types)"
wait_for 5 grep -q "key 46 up" "$WORK/q.out"
is "$(told q)" "key 30 down key 30 up key 46 down key 46 up" "  and for nothing else"
play_end q

# Whose device it is.
screen_create r 'vnc=1'
xenstore-rm $VFB/12/0/device-model
xenstore-rm $VKBD/12/0/device-model
wait_node $VFB/12/0/state 2
xloop destroy r
screen_create s 'vnc=1'
blkback_stop
xloop destroy s
screen_create t 'vnc=1'
xenstore-rm $VFB/14/0/device-model
pvfb_start
wait_node $VKBD/14/0/state 2
is "$(xenstore-read $VFB/14/0/state)" 1 "a screen of another device model's is left alone"
blkback_stop
pvfb_start --all
ok "unless one says --all" wait_node $VFB/14/0/state 2
like "$(log_count "serving vfb")" "3" "(three daemons were there)"
ok "a second one at the same time is refused" grep -q "" <(! pvfb 2>&1)
