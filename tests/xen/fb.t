#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Screens of stock guests with stock xl: a line of configuration, vfb=['vnc=1'], and halfback-dm in QEMU's place.  What a
# guest shows is on our VNC server, what a viewer types and points at arrives in the guest, and it goes on when worker and
# daemon are killed.
#
# shellcheck disable=SC2016 # single quotes: for the guest's shell

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/fb.sh"
xen_test 24

fill() { # all of it in one colour; the fourth byte of a pixel is none
	guest_run g 'printf "\123\050\311\000" >/tmp/p;
		while [ $(stat -c %s /tmp/p) -lt 1920000 ]; do cat /tmp/p /tmp/p >/tmp/q; mv /tmp/q /tmp/p; done;
		head -c 1920000 /tmp/p >/dev/fb0'
}

pvfb_start
ok "pvfb runs" kill -0 "$PVFB_PID"
ok "xl creates a guest with vfb=['vnc=1']" screen_start g 'vnc=1'
domid=$(xl domid g)
ok "halfback-dm is its device model" grep -q halfback-dm "/proc/$(xenstore-read "/local/domain/$domid/image/device-model-pid")/cmdline"
is "$(xenstore-read "/local/domain/0/backend/vfb/$domid/0/state" "/local/domain/0/backend/vkbd/$domid/0/state" | xargs)" "4 4" \
	"screen and keyboard are connected"
is "$(xenstore-read "/local/domain/$domid/console/vnc-port" "/local/domain/$domid/console/vnc-listen" | xargs)" \
	"5900 127.0.0.1" "xl vncviewer finds it"
is "$(viewer g size name)" "$(printf '800 600\ng (domain %s)' "$domid")" "a viewer sees it"
fb_steady g
ok "the guest's console is what the viewer sees" same_picture g
sum=$(viewer_sum g)
guest_run g 'echo "something else is written now" >/dev/tty1'
ok "what is written there, too" same_picture g
ok "which is another picture" [ "$(viewer_sum g)" != "$sum" ]
fill
ok "and what a program draws" same_picture g

guest_run g '(head -n 1 </dev/tty1 >/tmp/typed) & sleep 1' >/dev/null
viewer g type 'Hello, World_9' key 0xff0d down key 0xff0d up
ok "text that a viewer types arrives at the guest's tty" wait_for 10 eval '[ "$(guest_run g "cat /tmp/typed")" = "Hello, World_9" ]'
event=$(guest_run g 'for i in /sys/class/input/event*; do grep -q Pointer $i/device/name && echo ${i##*/}; done')
like "$event" "^event[0-9]" "the guest has a pointer"
guest_run g "(head -c 72 /dev/input/$event | od -A n -t u2 -w24 >/tmp/moved) & sleep 1" >/dev/null
viewer g move 123 45 0
# type 3 (absolute), axes 0 and 1, then a report
ok "a viewer's pointer is where it is in the guest" \
	wait_for 10 eval 'guest_run g "cat /tmp/moved" | xargs | grep -q "3 0 123 0 .* 3 1 45 0 "'

worker=$(fb_worker g)
like "$(awk '/^Seccomp:/ { print $2 } /^CapEff/ { print $2 }' "/proc/$worker/status" | xargs)" "^0000000000000000 2" \
	"its worker is confined"
ok "and restricted to its guest" grep -q "event channels are restricted to guest $domid" "$LOG/pvfb.log"
ok "in what it maps, too" [ "$(grep -c "can't restrict" "$LOG/pvfb.log")" -eq 0 ]
kill -9 "$worker"
ok "when it is killed, the screen is at its port again" same_picture g
pvfb_kill
guest_run g 'echo "nobody sees this" >/dev/tty1'
pvfb_start
ok "so when pvfb is killed and started" same_picture g
is "$(xenstore-read "/local/domain/0/backend/vfb/$domid/0/state" "/local/domain/$domid/device/vfb/0/state" | xargs)" "4 4" \
	"the guest did not notice"

ok "a second guest gets the next port" screen_start h 'vnc=1,vncunused=1'
is "$(port_of h)" 5901 "as xl says"
ok "and is destroyed" xl destroy h
viewer_stays g
ok "a guest that is looked at is destroyed" xl destroy g
wait_for 10 is_gone "$LOOKS"
is "$(ss -Hltn 'sport >= 5900 and sport <= 6000' | wc -l)" 0 "and no port is left"
