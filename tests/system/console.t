#!/bin/bash
# SPDX-License-Identifier: MIT
# halfback console: where a guest's screen is, and a page on it that Chromium shows: it connects, a click and typed text
# reach the guest, and a picture of the window, build/console.png, shows both.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 31

browse() { # URL ACTION...
	timeout 60 "$TOP/tests/browser.py" "$@"
}
told_is() { # NAME WANT
	[ "$(told "$1")" = "$2" ]
}
# Chromium's page asks for JPEG, so few pixels may be a little off.
looks_like() { # PPM PPM
	cmp -s <(head -c 15 "$1") <(head -c 15 "$2") && python3 - "$1" "$2" <<'P'
import sys
a, b = (open(path, "rb").read()[15:] for path in sys.argv[1:])
far = sum(abs(x - y) > 40 for x, y in zip(a, b))
sys.exit(len(a) != len(b) or far * 1000 > len(a))
P
}
console_start() { # OPTION...: what it says in $WORK/console
	rm -f "$WORK/console"
	halfback console "$@" >"$WORK/console" 2>&1 &
	CONSOLE=$!
	wait_for 5 grep -q "page:" "$WORK/console"
}
console_end() {
	kill "$CONSOLE"
	wait "$CONSOLE" 2>/dev/null
}
http() { # REQUEST-LINE: the status
	printf '%s\r\nHost: 127.0.0.1\r\n\r\n' "$1" | timeout 5 nc -N 127.0.0.1 6080 | sed -n '1s/^HTTP.1.1 \([0-9]*\).*/\1/p'
}
complains() { # ARGUMENT...: what it says when it fails
	{ halfback console "$@" >/dev/null && echo "it does not fail" >&2; } 2>&1
}

pvfb_start
screen_create g 'vnc=1'
wait_node $VKBD/1/0/state 2
play_start g --echo
is "$(halfback console --no-page g 2>&1)" "VNC: 127.0.0.1:5900" "console prints where a guest's screen is"
is "$(halfback console 1 --no-page 2>&1)" "VNC: 127.0.0.1:5900" "by its number, too"
is "$(HALFBACK_NOVNC_DIR=/nonexistent halfback console g 2>&1)" \
	"$(printf 'VNC: 127.0.0.1:5900\nhalfback: for a page in a browser, install Debian'\''s package novnc')" \
	"where noVNC is not installed it says what to install"
console_start g
is "$(cat "$WORK/console")" "$(printf 'VNC: 127.0.0.1:5900\npage: http://127.0.0.1:6080/')" "else there is a page"
is "$(ss -Hltn | awk '{ print $4 }' | sort | xargs)" "127.0.0.1:5900 127.0.0.1:6080" "  at 127.0.0.1 only"

# The paper of the eighth letter, and ink of the first.
ok "a browser connects, clicks and types, and sees what comes of it" \
	browse http://127.0.0.1:6080/ click 600 450 type halfback until 600 450 ff8000 until 294 242 000060 \
	canvas "$WORK/canvas.ppm" status Connected shot "$BUILD/console.png" \
	shows 600 450 ff8000 shows 294 242 000060 shows 46 250 ffffff shows 630 570 c8c8c8 shows 450 300 ff00ff
is "$(told g)" "pos 600 450 0 key 272 down key 272 up $(for key in 35 30 38 33 48 30 46 37; do
	printf 'key %d down key %d up ' $key $key
done | sed 's/ $//')" "the guest was told of each"
play g dump "$WORK/g.ppm"
ok "its page holds what the guest shows" looks_like "$WORK/g.ppm" "$WORK/canvas.ppm"
play g card
play g dump "$WORK/card.ppm"
not_ok "  (and not what it shows otherwise)" looks_like "$WORK/card.ppm" "$WORK/canvas.ppm"
is "$(log_count "a viewer")" 0 "pvfb has nothing to complain of"

# What serves the page, and what it serves.
is "$(awk '$1 == "Uid:" { print $2, $3 } $1 == "CapEff:" { print $2 } $1 == "Seccomp:" { print $2 }' "/proc/$CONSOLE/status" | xargs)" \
	"$((0x6866fff8)) $((0x6866fff8)) 0000000000000000 2" "the page's server is confined"
is "$(find "/proc/$CONSOLE/root/" 2>/dev/null | wc -l)" 1 "  its root is empty"
is "$(http 'GET / HTTP/1.1') $(http 'GET /vnc.html?a=b HTTP/1.1') $(http 'GET /core/rfb.js HTTP/1.1')" "302 200 200" "it has noVNC's files"
is "$(http 'GET /../../../etc/passwd HTTP/1.1') $(http 'GET //etc/passwd HTTP/1.1') $(http 'GET /core HTTP/1.1') $(http 'GET /x HTTP/1.1')" \
	"404 404 404 404" "and no others"
is "$(http 'POST / HTTP/1.1') $(http 'garbage')" "405 405" "and only GET"
halfback console g >"$WORK/second" 2>&1 &
second=$!
wait_for 5 grep -q "page:" "$WORK/second"
like "$(cat "$WORK/second")" "page: http://127.0.0.1:6081/" "another page has the next port"
kill $second
like "$(complains --port=6080 g)" "can't listen at port 6080 of 127.0.0.1: Address already in use; choose another with --port" \
	"a port in use is refused"
(for _ in {1..40}; do
	sleep 3 | nc 127.0.0.1 6080 &
done) >/dev/null 2>&1
sleep 0.5
ok "it lives when more connect than it serves at once" kill -0 "$CONSOLE"
console_end
mkdir "$WORK/novnc"
ln -s /etc/passwd "$WORK/novnc/out.html"
echo page >"$WORK/novnc/in.html"
chmod 755 "$WORK" "$WORK/novnc"
HALFBACK_NOVNC_DIR=$WORK/novnc console_start g --port=6080
is "$(http 'GET /in.html HTTP/1.1') $(http 'GET /out.html HTTP/1.1')" "200 404" "no link leads out of its directory"
console_end

# With a password.
mkdir -m 700 "$WORK/passwords"
(umask 077 && printf 'open\nlook\n' >"$WORK/passwords/p.password")
screen_create p 'vnc=1,vnclisten=0.0.0.0'
wait_node $VKBD/2/0/state 2
play_start p --echo
console_start p
is "$(head -n 1 "$WORK/console")" "VNC: 127.0.0.1:5901" "a screen that is for everywhere is here, too"
ok "a browser gives the password that it is asked for" browse "$(sed -n 's/^page: //p' "$WORK/console")" password open click 100 100
ok "  and then it clicks" wait_for 5 told_is p "pos 100 100 0 key 272 down key 272 up"
console_end

# Without a screen.
printf 'name = "n"\nmemory = 64\n' >"$WORK/n.cfg"
xloop create "$WORK/n.cfg" >/dev/null
is "$(complains n)" "halfback: guest n has no screen (its configuration has no vfb); its text console: xl console n" \
	"a guest without a screen has another console"
screen_create v 'vnc=0'
wait_node $VFB/4/0/state 2
is "$(complains v)" "halfback: guest v has a screen without VNC (vnc=0); its text console: xl console v" "so has one without VNC"
screen_create c 'vnc=1,vncdisplay=0,vncunused=0'
wait_node $VFB/5/0/state 6
like "$(complains c)" "the screen of guest c is not served: port 5900 of 127.0.0.1 is in use.*; its text console: xl console c" \
	"one that is refused has a reason"
is "$(complains nobody)" "halfback: there is no guest nobody; xl list shows them" "a guest that is none is told"
xenstore-write /local/domain/3/console/vnc-port 5999
is "$(halfback console n 2>&1)" \
	"$(printf 'VNC: 127.0.0.1:5999\nhalfback: no page: the screen is not pvfb'\''s, and its port may not speak WebSocket')" \
	"another backend's screen has an address, and no page"
not_ok "a wrong option is one" halfback console --pages g
not_ok "so is a wrong port" halfback console --port=65536 g
like "$(halfback console 2>&1)" "name a guest" "and no guest"
like "$(halfback console --help)" "usage: halfback console" "it has help"
play_end g
play_end p
