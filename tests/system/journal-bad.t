#!/bin/bash
# SPDX-License-Identifier: MIT
# Journals that are not what they should be: each is refused with one sentence, before anything of the guest is touched;
# the disk closes and can be connected again.  Without room for a journal a disk works as long as its worker does.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 95

blkback_start
guest_create g "vdev=xvda,target=$(image a.img 16M)" >/dev/null
guest_create other "vdev=xvda,target=$(image b.img 16M)" >/dev/null
journal=$HALFBACK_RUN_DIR/blkback-1-51712.journal
connection=$HALFBACK_RUN_DIR/blkback-1-51712.connection
xloop exec g -- blkload --dev=xvda --rw=write --verify >/dev/null 2>&1

connect() {
	: >"$WORK/hold"
	xloop exec g -- blkload --dev=xvda --op=hold >"$WORK/hold" 2>&1 &
	HOLD=$!
	wait_for 10 grep -q connected "$WORK/hold"
}
stop() {
	# shellcheck disable=SC2046
	kill -9 "$BLKBACK_PID" $(pgrep -P "$BLKBACK_PID")
	wait "$BLKBACK_PID" 2>/dev/null
	sum=$(sha256sum <"$WORK/a.img")
}
# refused REGEX DESCRIPTION COMMAND...: what COMMAND does to the files has the next blkback refuse them.
refused() {
	local sentence=$1 what=$2
	shift 2
	connect
	stop
	"$@" || diag "failed: $*"
	blkback_start
	ok "$what: the disk closes" vbd_state 1 51712 6
	like "$(vbd_error 1 51712)" "$sentence" "  with a sentence"
	kill $HOLD 2>/dev/null
	wait $HOLD
	is "$(sha256sum <"$WORK/a.img")" "$sum" "  no data was touched"
	ok "  and it can be connected again" xloop exec g -- blkload --dev=xvda --rw=randread --ios=100 --verify
}
poke() { # FILE OFFSET BYTES
	printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
of_another() { # as if both files were those of guest 2, under the number of guest 1
	local kind
	for kind in journal connection; do
		cp "$HALFBACK_RUN_DIR/blkback-2-51712.$kind" "$HALFBACK_RUN_DIR/blkback-1-51712.$kind"
	done
}
again="can't go on; no data was touched, and the guest has to connect it again"
refused "its journal is missing, so it $again" "no journal" rm "$journal"
refused "its connection is missing, so it $again" "no connection" rm "$connection"
refused "its journal is cut off or too long" "an empty journal" truncate -s 0 "$journal"
refused "its journal is cut off or too long" "a journal that is one byte short" truncate -s -1 "$journal"
refused "its journal is cut off or too long" "a journal that is a gigabyte longer" truncate -s +1G "$journal"
refused "its connection is cut off or too long" "a connection that is cut off" truncate -s -1 "$connection"
refused "its connection is cut off or too long" "one with something behind it" truncate -s +1 "$connection"
refused "its journal is no journal" "a journal of zeros" poke "$journal" 0 '\0\0\0\0'
refused "its journal is of another version of halfback" "a journal of another version" poke "$journal" 4 '\77'
refused "its connection is of another version of halfback" "a connection of another version" poke "$connection" 4 '\77'
refused "its connection is of another version of halfback" "a connection that has more in it" poke "$connection" 52 '\1'
refused "its connection is damaged" "a connection of which a bit changed" poke "$connection" 300 '\245'
refused "its journal is of another guest or connection" "a journal of another connection" poke "$journal" 8 'foreign!'
refused "can't go on with the journal of the worker before this one" "a queue's part that was scribbled on" \
	poke "$journal" 72 '\377\377\0\0'
refused "its connection can be written by others than root" "a connection that others can write" chmod 666 "$connection"
refused "its journal was not made" "a guest that has its predecessor's number" xenstore-rm $BE/1/51712/halfback-journal
refused "its image is another file than it was" "another image in the old one's place" \
	sh -c "cp --sparse=always $WORK/a.img $WORK/new && mv $WORK/new $WORK/a.img"

xloop exec other -- blkload --dev=xvda --rw=randrw --verify --runtime=100 --json >"$WORK/other" 2>"$WORK/other.err" &
other=$!
wait_node $BE/2/51712/state 4
refused "its connection is of another guest or connection" "the files of another guest" of_another
kill $other
wait $other
is $? 0 "whose own disk lost nothing"
ok "  and verified all" jq -e '.errors == 0 and .verified > 0' "$WORK/other"

# ---- no room, no right
kill "$BLKBACK_PID"
wait "$BLKBACK_PID"
mkdir "$WORK/run"
mount -t tmpfs -o size=64k none "$WORK/run"
export HALFBACK_RUN_DIR=$WORK/run
blkback_start
wait_for 10 test -s "$WORK/run/blkback.pid"
head -c 60k /dev/zero >"$WORK/run/filler" 2>/dev/null
xloop exec g -- blkload --dev=xvda --rw=randrw --verify --runtime=100 --json >"$WORK/full" 2>&1 &
load=$!
ok "/run is full: the disk works" vbd_state 1 51712 4
is "$(log_count 'vbd 51712 of guest 1 has no journal: /run is full; make room; it works, but closes if its worker dies')" 1 "with a warning"
kill -9 "$(worker_of 1)"
ok "it closes when its worker dies" vbd_state 1 51712 6
like "$(vbd_error 1 51712)" "its backend ended, and its journal was not made" "with a sentence"
wait $load
rm "$WORK/run/filler"
ok "with room again it has one" xloop exec g -- blkload --dev=xvda --rw=randrw --verify --ios=1000

# What has a journal needs no room to go on, and no other right than to write what is there.
xloop exec g -- blkload --dev=xvda --rw=randrw --verify --runtime=100 --json >"$WORK/full" 2>"$WORK/full.err" &
load=$!
vbd_state 1 51712 4
head -c 60k /dev/zero >"$WORK/run/filler" 2>/dev/null
worker=$(worker_of 1)
kill -9 "$worker"
wait_for 10 is_gone "$worker"
ok "/run is full: a disk with a journal goes on after its worker's death" wait_for 10 worker_of 1
stop
blkback_start
ok "  and after blkback's" wait_for 10 worker_of 1
is "$(xenstore-read $BE/1/51712/state)" 4 "  at state 4"
rm "$WORK/run/filler"
stop
mount -o remount,ro "$WORK/run"
like "$(blkback 2>&1)" "can't lock $WORK/run/blkback.pid: Read-only file system; is its file system writable" "/run is read-only: blkback does not start, with a sentence"
is "$(xenstore-read $BE/1/51712/state)" 4 "  the disk waits"
mount -o remount,rw "$WORK/run"
blkback_start
ok "  and goes on when it can be written" wait_for 10 worker_of 1
kill $load
wait $load
is "$? $(jq -c '[.errors, .verify_errors]' "$WORK/full")" "0 [0,0]" "  nothing was lost"
vbd_state 1 51712 6

# Devices and guests that are no more.
stop
for name in 1-51728 9-51712 32000-4294967295; do
	: >"$WORK/run/blkback-$name.journal"
	head -c 2104 /dev/urandom >"$WORK/run/blkback-$name.connection"
done
touch "$WORK/run/blkback-x-51712.journal" "$WORK/run/blkback-1.journal"
ln -s "$WORK/a.img" "$WORK/run/blkback-8-51712.journal"
blkback_start
gone() {
	[ "$(ls "$WORK/run")" = $'blkback-1.journal\nblkback-x-51712.journal\nblkback.pid' ]
}
ok "journals of devices that are gone are removed, and nothing else" wait_for 10 gone
is "$(sha256sum <"$WORK/a.img")" "$sum" "  no data was touched"
rm "$WORK/run/blkback-x-51712.journal" "$WORK/run/blkback-1.journal"
is "$(xenstore-read $BE/1/51712/state)" 6 "  no disk moved"
ok "  and a guest's disk works" xloop exec g -- blkload --dev=xvda --rw=randrw --verify --ios=1000
mount -t tmpfs -o ro none "$WORK/run"
ok "it is read-only: the disk works" xloop exec g -- blkload --dev=xvda --rw=randrw --verify --ios=1000
is "$(log_count 'vbd 51712 of guest 1 has no journal: Read-only file system; it works, but closes if its worker dies')" 1 "with a warning"
umount -l "$WORK/run" && umount -l "$WORK/run"

# ---- not wanted
blkback_stop
blkback_start --no-journal
connect
is "$(ls "$HALFBACK_RUN_DIR")" "$(printf '%s\n' blkback-1-51712.stats blkback.pid)" "--no-journal: there is none"
kill -9 "$(worker_of 1)"
ok "the disk closes when its worker dies" vbd_state 1 51712 6
kill $HOLD 2>/dev/null
wait $HOLD
ok "and can be connected again" xloop exec g -- blkload --dev=xvda --rw=randrw --verify --ios=1000
