#!/bin/bash
# SPDX-License-Identifier: MIT
# A screen's port speaks WebSocket, too: browsers' viewers see, type and point as others do, pages of other hosts are kept
# away, and whatever a browser sends harms only itself.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 29

by_web() { # NAME ACTION...
	VIEWER_OPTIONS=-w viewer "$@"
}
web_password() { # PASSWORD ACTION...
	"$TOP/tests/vnc.py" -w -p "$1" "$(port_of p)" "${@:2}"
}
shot_within() { # SECONDS
	timeout "$1" "$TOP/tests/vnc.py" "$(port_of g)" shot "$WORK/x.ppm"
}
http() { # NAME HEADER...: sends a request; prints the status
	local port
	port=$(port_of "$1")
	printf '%s\r\n' "GET /websockify HTTP/1.1" "Host: 127.0.0.1:$port" "${@:2}" "" |
		timeout 5 nc -N 127.0.0.1 "$port" | sed -n '1s/^HTTP.1.1 \([0-9]*\).*/\1/p'
}
upgrade=("Upgrade: websocket" "Connection: Upgrade" "Sec-WebSocket-Version: 13" "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
told_has() { # NAME TEXT
	told "$1" | grep -q "$2"
}

pvfb_start
screen_create g 'vnc=1'
wait_node $VKBD/1/0/state 2
play_start g
worker=$(worker_of 1)
is "$(by_web g size name)" "$(printf '800 600\ng (domain 1)')" "a browser sees its size and its name"
web_sees() {
	play g dump "$WORK/g.ppm" && by_web g shot "$WORK/web.ppm" && cmp "$WORK/g.ppm" "$WORK/web.ppm"
}
ok "and each of its pixels" web_sees
by_web g shot "$WORK/x.ppm" next 5 >"$WORK/next" &
looks=$!
wait_for 5 test -s "$WORK/x.ppm"
sleep 0.2
play g fill 300 300 16 16 00ff00
wait $looks
is "$(cat "$WORK/next")" $((4 + 12 + 4 * 256)) "a change of 16x16 is sent as that"
by_web g type aB scan 0xc8 down scan 0xc8 up move 100 200 1 move 100 200 0 size >/dev/null
ok "it types and points" wait_for 5 told_has g \
	"key 30 down key 30 up key 42 down key 48 down key 42 up key 48 up key 103 down key 103 up pos 100 200 0 key 272 down key 272 up"
by_web g key 0x62 down sleep 0.2
ok "what it holds as it goes is let go" wait_for 5 told_has g "key 272 up key 48 down key 48 up"
is "$(by_web g ping hello shot "$WORK/x.ppm" size)" "$(printf 'pong hello\n800 600')" "a ping is answered"
is "$(by_web g cut 5000 size)" "800 600" "a clipboard's text is thrown away"
viewer g shot "$WORK/plain.ppm" sleep 3 &
plain=$!
ok "a viewer that is no browser may look beside it" web_sees
wait $plain
ok "  and sees the same" cmp "$WORK/g.ppm" "$WORK/plain.ppm"

# Who may ask.
is "$(http g)" 426 "a page is not to be had here"
is "$(http g "${upgrade[@]}")" 101 "a program that is no browser is no page's"
is "$(http g "${upgrade[@]}" "Origin: http://127.0.0.1:6080")" 101 "a page of this address may ask"
is "$(http g "${upgrade[@]}" "Origin: https://example.org")" 403 "one of another host may not"
is "$(log_count "a viewer came from a web page of another host; its connection is closed")" 1 "  and the log has a line"
is "$(http g "X: $(head -c 5000 /dev/zero | tr '\0' x)")" "" "a request without an end is none"
is "$(log_count "sent a request without an end")" 1 "  and the log has a line"

# What is no WebSocket.
ok "a frame without a mask ends the connection" by_web g frame 820141 closed
ok "so does text" by_web g frame 818100000000ff closed
ok "and what is no message within one" by_web g send 01 closed
like "$(log_count "sent what is no frame of a WebSocket")" "2" "  and the log has lines"
for half in 82 82fe 82ff00000000ffffffff0000000003; do
	by_web g frame $half sleep 8 &
done
(printf 'GET / HT' && sleep 8) | nc 127.0.0.1 "$(port_of g)" >/dev/null &
by_web g flood 300 sleep 8 &
by_web g flood 300 sleep 8 &
sleep 0.7
ok "half a frame, half a request and those that do not read make nobody wait" shot_within 5
rss=$(rss_kib "$worker")
ok "  and cost the worker no memory ($rss KiB)" [ "$rss" -lt 40000 ]
# shellcheck disable=SC2046 # several
wait -f $(jobs -p | grep -v "^${PLAY[g]}$\|^$PVFB_PID$") 2>/dev/null
is "$(worker_of 1)" "$worker" "it is the same worker all the time"

# With a password.
mkdir -m 700 "$WORK/passwords"
(umask 077 && printf 'open\nlook\n' >"$WORK/passwords/p.password")
screen_create p 'vnc=1'
wait_node $VKBD/2/0/state 2
play_start p
not_ok "a wrong password is none" web_password sesame size
is "$(log_count "gave a wrong password")" 1 "  and the log has a line"
web_password open type a size >"$WORK/size"
ok "with the right one it types" wait_for 5 told_has p "key 30 down key 30 up"
web_password look type b move 1 1 1 size >"$WORK/size"
web_password open type c size >"$WORK/size"
wait_for 5 told_has p "key 46 up"
is "$(told p)" "key 30 down key 30 up key 46 down key 46 up" "with that for looking it does not"
is "$(http p "${upgrade[@]}" "Origin: https://example.org")" 101 "a page of any host may ask for a password"
ok "few descriptors are left" [ "$(find "/proc/$worker/fd" -mindepth 1 | wc -l)" -lt 40 ]
play_end g
play_end p
