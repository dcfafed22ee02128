#!/bin/bash
# SPDX-License-Identifier: MIT
# Viewers that send garbage, halves of messages, or too much, that read nothing, or that come by the thousand: each harms
# only itself.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 25

raw() { # SECONDS: what is on standard input, sent as it is; true if the server closed the connection then
	local port
	port=$(port_of g)
	timeout 20 python3 -c '
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(float(sys.argv[2]))
try:
    s.sendall(sys.stdin.buffer.read())
    while s.recv(65536):
        pass
except ConnectionError:
    pass
' "$port" "$1"
}
shot_within() { # SECONDS
	timeout "$1" "$TOP/tests/vnc.py" "$(port_of g)" shot "$WORK/x.ppm"
}

pvfb_start
screen_create g 'vnc=1'
wait_node $VKBD/1/0/state 2
play_start g
worker=$(worker_of 1)
ok "garbage is turned away" raw 5 < <(head -c 100000 /dev/urandom)
ok "so is HTTP that is no WebSocket" raw 5 < <(printf 'GET / HTTP/1.1\r\n\r\n')
ok "and another version" raw 5 < <(printf 'RFB 004.001\n')
like "$(log_count "does not speak RFB; its connection is closed")" "[123]" "with a line in the log"
ok "what is no message ends the connection" viewer g send 0102030405060708 closed
ok "so does a file transfer" viewer g send 070600000000000000000000 closed
ok "and sound" viewer g send ff010000 closed
ok "and 65535 encodings" viewer g send 0200ffff closed
ok "and a clipboard of 2 GiB" viewer g send 060000007fffffff closed
is "$(viewer g cut 500000 shot "$WORK/x.ppm" size)" "800 600" "a clipboard's text is thrown away"

# Half a message of each kind, and then a wait: nobody else waits.
viewer g send 00000000 sleep 8 &
viewer g send 02000005 sleep 8 &
viewer g send 030000 sleep 8 &
viewer g send 04 sleep 8 &
viewer g send 0600000000001000ff sleep 8 &
(printf 'RFB 0' && sleep 8) | raw 9 &
sleep 0.5
ok "halves of messages make nobody else wait" shot_within 2

# Half a message, and then its viewer is gone: its place is free.
for _ in {1..16}; do
	viewer g send 0500 &
done
# shellcheck disable=SC2046 # several
wait -f $(jobs -p | grep -v "^${PLAY[g]}$\|^$PVFB_PID$") 2>/dev/null
ok "viewers that go within a message leave their places" shot_within 2

# Answers are not read of a million questions: 4 bytes each, and 16 in return.
python3 - "$TOP" "$(port_of g)" <<'P' &
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
s.sendall(b"RFB 003.008\n\1\1")
time.sleep(0.5)
s.settimeout(3)
try:
    while True:
        s.sendall(b"\2\0\0\1\xff\xff\xfe\xfe" * 4096)
except TimeoutError:
    time.sleep(3)
P
sleep 3
ok "nor do those that ask and do not read" shot_within 2
is "$(worker_of 1)" "$worker" "  the worker lives"

# Nothing is read of 3000 screens of 1.9 MB that were asked for.
for _ in 1 2 3; do
	viewer g flood 3000 sleep 8 &
done
sleep 1
ok "viewers that do not read neither" shot_within 2
ok "a small change is seen at once" shot_within 2
rss=$(rss_kib "$worker")
ok "and cost the worker no memory ($rss KiB)" [ "$rss" -lt 40000 ]

# Connections that say nothing.
python3 - "$(port_of g)" <<'P'
import socket, sys
kept = []
for i in range(10000):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    kept.append(s)
    if len(kept) > 500:
        kept.pop(0).close()
P
is $? 0 "10000 connections are taken"
ok "who comes then is served" shot_within 4
ok "the worker has few descriptors" [ "$(find "/proc/$worker/fd" -mindepth 1 | wc -l)" -lt 60 ]
ok "and the log few lines" [ "$(wc -l <"$XLOOP_DIR/pvfb.log")" -lt 100 ]
# shellcheck disable=SC2046 # several
wait -f $(jobs -p | grep -v "^${PLAY[g]}$\|^$PVFB_PID$") 2>/dev/null
for _ in {1..16}; do
	viewer g sleep 4 &
done
sleep 1.5
not_ok "a 17th viewer is turned away" viewer g size
like "$(log_count "has 16 viewers; one more is turned away")" "^[1-5]$" "with a line in the log"
is "$(worker_of 1)" "$worker" "it is the same worker all the time"
ok "a connection that says nothing is closed after 10 seconds" raw 15 </dev/null
play_end g
