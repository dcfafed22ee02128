#!/bin/bash
# SPDX-License-Identifier: MIT
# Many programs of one guest share its one store ring: none disturbs another, and none leaves anything behind.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 15

guest_create g >/dev/null
guest_create other >/dev/null
inside() {
	xloop exec g -- "$@"
}

# Speaks the wire protocol by hand: msg(type, tx, body) sends, answer() returns (type, body).
raw() {
	# shellcheck disable=SC2016
	inside perl -MIO::Socket::UNIX -e '
		sub dial { IO::Socket::UNIX->new(Peer => $ENV{XENSTORED_PATH}) or die "connect: $!" }
		$s = dial();
		sub msg { syswrite $s, pack("L4", $_[0], 7, $_[1], length $_[2]) . $_[2] }
		sub get { my ($n, $b) = (shift, ""); while (length $b < $n) {
			sysread($s, $b, $n - length $b, length $b) or exit 9 } $b }
		sub answer { my ($t, $i, $x, $n) = unpack "L4", get(16); ($t, get($n)) }
		($WATCH, $START, $WRITE, $RESET, $ERROR) = (4, 6, 11, 21, 16);
		'"$1"
}

many_writers() {
	local i pids=()
	for i in $(seq 20); do
		inside sh -c "for k in 1 2 3 4 5; do xenstore-write data/w$i-\$k $i.\$k; done" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || return 1
	done
	for i in $(seq 20); do
		[ "$(inside xenstore-read "data/w$i-5")" = "$i.5" ] || return 1
	done
}
ok "20 programs write at once, and each value is right" many_writers

watch() { # FILE: a watcher in the background, in WATCHER
	xloop exec g -- xenstore-watch data/watched >"$1" 2>&1 &
	WATCHER=$!
	wait_for 5 test -s "$1"
}
watch "$WORK/one"
one=$WATCHER
watch "$WORK/two"
two=$WATCHER
kill -9 "$one"
wait "$one" 2>/dev/null
inside xenstore-write data/watched/x 1
ok "a watcher goes on when another with the same path dies" wait_for 5 grep -q watched/x "$WORK/two"
not_ok "the dead one's event went nowhere" grep -q watched/x "$WORK/one"
kill "$two"
wait "$two" 2>/dev/null

watches_come_and_go() { # more often than the domain's quota of 128 watches
	local i
	for i in $(seq 200); do
		inside xenstore-watch -n 1 data >/dev/null || return 1
	done
}
ok "watches of programs that ended are gone" watches_come_and_go

transactions_left_open() { # more often than the domain's quota of 10 transactions
	# shellcheck disable=SC2016
	raw 'for (1 .. 40) { $s = dial(); msg($START, 0, "\0"); ($t, $b) = answer();
		die "start $_: $b" if $t == $ERROR; close $s }'
}
ok "transactions of programs that ended are gone" transactions_left_open

# shellcheck disable=SC2016
{
	ok "another program's transaction is out of reach" raw '
		msg($START, 0, "\0"); ($t, $b) = answer(); $tx = $b + 0; $s = dial();
		msg($WRITE, $tx, "data/stolen\0x"); ($t, $b) = answer(); exit($b ne "ENOENT\0")'
	ok "resetting everybody's watches is refused" raw '
		msg($RESET, 0, "\0"); ($t, $b) = answer(); exit($b ne "EACCES\0")'
	ok "a malformed watch is refused" raw '
		msg($WATCH, 0, "data"); ($t, $b) = answer(); exit($b ne "EINVAL\0")'
	raw 'syswrite $s, pack("L4", 2, 0, 0, 4097); answer()'
	is $? 9 "a message longer than the protocol allows ends the connection"
	ok "a message cut short by its sender harms nobody" raw '
		syswrite $s, pack("L4", 2, 0, 0, 100) . "data"; exit 0'
	raw '
		msg($WATCH, 0, "data\0t\0"); $slow = $s; $s = dial();
		for (1 .. 100) { msg($WRITE, 0, "data/" . "x" x 250 . "/$_\0") for 1 .. 80;
			answer() for 1 .. 80 }
		$s = $slow; $SIG{ALRM} = sub { exit 1 }; alarm 20; for (;;) { answer() }'
	is $? 9 "a program that reads no events is dropped in the end"
}
like "$(cat "$XLOOP_DIR/dom$(domid_of g).log")" "dropped a store client" "which the log tells"

# shellcheck disable=SC2016
many_connections() {
	raw 'for (1 .. 300) { $c = dial(); push @all, $c } exit 0'
}
ok "more programs than are served harm nobody" many_connections
is "$(inside xenstore-read data/w1-1)" 1.1 "the guest's store still answers"
is "$(xloop exec other -- xenstore-read domid)" "$(domid_of other)" "and so does the other guest's"
