#!/bin/bash
# SPDX-License-Identifier: MIT
# xenstored dies under guests that do verified I/O: the I/O goes on, blkback says so in one line, and comes back by itself
# when the store does, even if it has forgotten everything; new guests are served by the new store.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 23

blkback_start
for g in g1 g2; do
	xloop create "$(guest_config $g "vdev=xvda,target=$(image $g.img 16M)")" >/dev/null
	xloop exec $g -- blkload --dev=xvda --rw=randrw --verify --qd=8 --runtime=100 --json >"$WORK/$g.json" 2>"$WORK/$g.err" &
	eval "LOAD_$g=\$!"
	wait_for 10 node_is "$BE/$(domid_of $g)/51712/state" 4
done
workers=$(pgrep -P "$BLKBACK_PID" | xargs)
fds=$(fds_of "$BLKBACK_PID")

busy() { # PID TICKS: it used more CPU than that
	[ "$(awk '{ print $14 + $15 }' "/proc/$1/stat")" -gt "$2" ]
}
io_goes_on() {
	local pid
	for pid in $workers; do
		wait_for 10 busy "$pid" $(($(awk '{ print $14 + $15 }' "/proc/$pid/stat") + 2)) || return 1
	done
}
store_start() {
	LD_PRELOAD=$BUILD/lib/libxenctrl-preload.so /usr/lib/xen-4.17/bin/xenstored -N >>"$XLOOP_DIR/xenstored.log" 2>&1 &
	STORED=$!
	wait_for 10 xenstore-write /tool/up 1
	xenstore-write /local/domain/0/name Domain-0 /local/domain/0/domid 0 domid 0
}
told() { # REGEX N
	[ "$(log_count "$1")" = "$2" ]
}

ok "I/O is under way" io_goes_on
kill -9 "$(cat "$XLOOP_DIR/xenstored.pid")"
ok "blkback notices that xenstored is gone" wait_for 5 told 'lost xenstored; guests are served on' 1
ok "the I/O goes on" io_goes_on
is "$(pgrep -P "$BLKBACK_PID" | xargs)" "$workers" "in the same workers"
sleep 1.2 # it tries once a second
ok "it says so once" told 'lost xenstored' 1

store_start
ok "blkback finds the new store" wait_for 5 told 'xenstored is back' 1
ok "  and says what it has forgotten" told 'is back, but has forgotten 2 devices; they are served on' 1
ok "the I/O still goes on" io_goes_on
is "$(pgrep -P "$BLKBACK_PID" | xargs)" "$workers" "in the same workers"
is "$(xenstore-ls "$BE" 2>/dev/null)" "" "and nothing was made up in the store"

ok "a new guest is created" xloop create "$(guest_config g3 "vdev=xvda,target=$(image g3.img 16M)")"
ok "and its disk works" xloop exec g3 -- blkload --dev=xvda --rw=randwrite --verify --ios=500
ok "the old ones are not disturbed" io_goes_on

kill -9 $STORED
wait $STORED 2>/dev/null
ok "the store may go a second time" wait_for 5 told 'lost xenstored' 2
store_start
ok "and come back" wait_for 5 told 'xenstored is back' 2
ok "a new guest is created" xloop create "$(guest_config g4 "vdev=xvda,target=$(image g4.img 16M)")"
ok "and its disk works" xloop exec g4 -- blkload --dev=xvda --rw=randwrite --verify --ios=500
ok "fds do not pile up" [ "$(fds_of "$BLKBACK_PID")" -le $((fds + 10)) ]

# Their guests' own line to the store is dead, so they can't close in order; a bad block would have been told.
for g in g1 g2; do
	eval "pid=\$LOAD_$g"
	ok "$g is still at it" kill -9 "$pid"
	wait "$pid" 2>/dev/null
	is "$(cat "$WORK/$g.err")" "" "  without an error or a wrong block"
done
ok "blkback is there" kill -0 "$BLKBACK_PID"
kill $STORED
