#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Two guests with vncunused=1 and a viewer each, while the worker of one of them, then pvfb itself, is killed again and
# again under a guest that draws: its viewer is disconnected and finds the screen at the same port, both guests see no
# other state, and the other guest's viewer stays where it is when it is not its worker that goes.
#
# shellcheck disable=SC2016 # single quotes: for the guests' shells

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/fb.sh"
xen_test 20

# Another colour in each tenth of a second, until /tmp/enough is there; the last one is told by guest_sum.
draws() {
	guest_run g 'for c in 1 2 3 ; do head -c 1920000 /dev/zero | tr "\000" "\00$c" >/tmp/$c ; done ;
		{ while [ ! -e /tmp/enough ] ; do for c in 1 2 3 ; do cat /tmp/$c >/dev/fb0 ; sleep 0.1 ; done ; done ;
		touch /tmp/drawn ; } & true' >/dev/null
}
stops_drawing() {
	guest_run g 'touch /tmp/enough ; while [ ! -e /tmp/drawn ] ; do sleep 0.1 ; done' >/dev/null
}
has_another_worker() { # PID
	local now
	now=$(fb_worker g) && [ "$now" != "$1" ]
}
worker_round() {
	local worker
	viewer_stays g || return 1
	worker=$(fb_worker g)
	kill -9 "$worker"
	wait_for 10 is_gone "$LOOKS" && wait_for 10 has_another_worker "$worker" && [ "$(port_of g)" = 5900 ] && viewer g size
}
daemon_round() {
	viewer_stays g || return 1
	pvfb_kill
	wait_for 10 is_gone "$LOOKS" || return 1
	pvfb_start
	wait_for 15 viewer g size
}
states_of() {
	local domid
	for domid in "$g" "$h"; do
		echo "/local/domain/$domid/device/vfb/0/state" "/local/domain/0/backend/vfb/$domid/0/state" \
			"/local/domain/$domid/device/vkbd/0/state" "/local/domain/0/backend/vkbd/$domid/0/state"
	done
}

pvfb_start
ok "a guest with vncunused=1 is created" screen_start g 'vnc=1,vncunused=1'
ok "and another one" screen_start h 'vnc=1,vncunused=1'
g=$(xl domid g) h=$(xl domid h)
is "$(port_of g) $(port_of h)" "5900 5901" "each has a port of its own"
fb_steady h
ok "the second one's picture is right" same_picture h
viewer_stays h
is $? 0 "somebody looks at it"
other=$LOOKS
ok "the first one draws" draws
# shellcheck disable=SC2046 # eight words
xenstore-watch $(states_of) >"$WORK/states" &
watch=$!
wait_for 10 eval '[ $(wc -l <"$WORK/states") -eq 8 ]'
for n in 1 2 3; do
	ok "round $n: its worker is killed, its viewer disconnected; the next one finds it" worker_round
done
ok "the other guest's viewer was there all the time" kill -0 $other
for n in 1 2; do
	daemon_round # not below ok: that is a subshell, and pvfb ours to wait for
	is $? 0 "round $n: pvfb is killed and started; it goes on, too"
done
ok "as does the other guest's" same_picture h
stops_drawing
ok "what the first guest drew last is seen" same_picture g
guest_run g '(head -n 1 </dev/tty1 >/tmp/typed) & sleep 1' >/dev/null
viewer g type "still_here" key 0xff0d down key 0xff0d up
ok "what is typed arrives" wait_for 10 eval '[ "$(guest_run g "cat /tmp/typed")" = still_here ]'
kill $watch
is "$(fb_states g) $(fb_states h)" "4 4 4 4 4 4 4 4" "all states are 4"
is "$(wc -l <"$WORK/states")" 8 "and were never written"
# libxl makes an empty one for each guest.
is "$(xenstore-ls -f | grep '/error = "..*"')" "" "no error is in the store"
xl destroy g
xl destroy h
ok "nothing is left of them" wait_for 10 no_screens
pvfb_stop
is $? 0 "pvfb ends in order"
