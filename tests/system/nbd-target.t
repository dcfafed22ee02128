#!/bin/bash
# SPDX-License-Identifier: MIT
# An NBD export as a disk, over a unix socket and over TCP: every byte verified, flush and discard reach the server.
[ -n "${TEST_OWN_NET:-}" ] || TEST_OWN_NET=1 exec unshare --net -- "$0" "$@"
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 35

ip link set lo up
cd "$WORK" || exit 1
img=$(image disk.img 64M)
# Exports of any name are served; only the right one is the disk.
nbdkit -f -U "$WORK/s.sock" --filter=exportname --filter=log file "$img" exportname-strict=true exportname=disk \
	logfile="$WORK/unix.log" >nbdkit.log 2>&1 &
SERVERS=($!)
nbdkit -f -i 127.0.0.1 -p 10810 --filter=log memory 64M logfile="$WORK/tcp.log" >>nbdkit.log 2>&1 &
SERVERS+=($!)
nbdkit -f -r -U "$WORK/r.sock" pattern 4M >>nbdkit.log 2>&1 &
SERVERS+=($!)
trap 'kill "${SERVERS[@]}"; test_end' EXIT
wait_for 5 test -S s.sock -a -S r.sock -a -s tcp.log || wait_for 5 test -S r.sock

blkback_start
load() { # VDEV OPTION...
	local dev=$1
	shift
	xloop exec g -- blkload --dev="$dev" "$@"
}
xloop create "$(guest_config g)" >/dev/null

ok "an export on a unix socket is attached" xloop block-attach g "vdev=xvda,target=nbd+unix:///disk?socket=$WORK/s.sock"
is "$(load xvda --op=info --json | jq .sectors)" 131072 "with its size"
ok "blocks are written and read back" load xvda --rw=write --verify --qd=32
ok "the image has them" load xvda --rw=read --verify
ok "mixed sizes, many at once, with flushes between" load xvda --rw=randrw --verify --bs=44k --qd=64 --ring-order=2 \
	--flush-every=16 --runtime=1 --generation=2
ok "the 32-bit ring" load xvda --rw=randrw --verify --abi=32 --bs=512 --qd=8 --size=1M --ios=4000 --generation=3
ok "the server saw flushes" grep -q ' Flush ' unix.log
ok "a flush by itself is done" load xvda --op=flush
ok "so is a barrier" load xvda --op=barrier --size=4k
load xvda --rw=write --verify --bs=64k --qd=8 --generation=4 >/dev/null
before=$(du -k "$img" | cut -f1)
ok "a discard is taken" load xvda --op=discard --offset=16M --size=32M
ok "the server saw it" grep -q ' Trim id=[0-9]* offset=0x1000000 count=0x2000000' unix.log
ok "and its image shrank" [ "$(du -k "$img" | cut -f1)" -lt $((before - 30000)) ]
ok "what was not discarded is still there" load xvda --rw=read --verify --size=16M --generation=4
xloop exec g -- blkload --dev=xvda --hold >hold 2>&1 &
hold=$!
wait_for 10 grep -q connected hold
is "$(backend_node g 51712 multi-queue-max-queues)" 1 "one queue is offered: unflushed writes have an order then"
pid=$(worker_of 1)
is "$(find "/proc/$pid/root/" | wc -l)" 1 "its worker's root is empty"
is "$(nsenter -t "$pid" -n ip -o link | grep -vc lo:)" 0 "and it has no network"
other=$(guest_create h "vdev=xvda,target=nbd+unix:///disk?socket=$WORK/s.sock" 2>&1)
is $? 1 "another guest can't write the same export"
like "$other" "socket=.*/s.sock is in use by guest g \(domain 1, vbd 51712\)" "the sentence names who has it"
kill $hold
wait $hold

ok "an export over TCP is attached" xloop block-attach g "vdev=xvdb,target=nbd://localhost:10810/any"
ok "it works" load xvdb --rw=randrw --verify --bs=16k --qd=32 --ios=4000
ok "so does what a discard leaves" load xvdb --op=discard --size=64M
ok "detached it is let go of" xloop block-detach g xvdb
disconnects() {
	[ "$(grep -c Disconnect tcp.log)" -eq "$(grep -c Connect tcp.log)" ]
}
ok "and the server notices" wait_for 5 disconnects

ok "an export that can't be written is a read-only disk" xloop block-attach g \
	"vdev=xvdc,access=ro,target=nbd+unix:///?socket=$WORK/r.sock"
not_ok "which refuses writes" load xvdc --rw=write --ios=1
ok "and reads" load xvdc --rw=randread --ios=100

refused() { # TARGET REGEX WHAT
	local out
	out=$(xloop block-attach g "vdev=xvdd,target=$1" 2>&1)
	like "$?: $out" "^1: .*$2" "$3"
}
refused "nbd+unix:///?socket=$WORK/r.sock" "is exported read-only; write access=ro" "... but none that is written"
refused "nbd+unix:///disk?socket=$WORK/none" "none can't be reached: No such file or directory; is its server running" "no socket"
refused "nbd://127.0.0.1:1/x" "can't be reached: Connection refused; is its server running" "nobody listens"
refused "nbd://no.such.host.invalid/x" "can't be reached: .*; is its server running" "no such host"
refused "nbd+unix:///other?socket=$WORK/s.sock" "other\?socket=.* is no disk that an NBD server exports: " "no such export"
refused "nbd://:10809/x" "is no NBD address: write nbd://host" "no host"
refused "nbd+unix:///x" "is no NBD address: write nbd\+unix:///export\?socket=/path" "no socket named"
refused "nbds://127.0.0.1:10810/x" "asks for TLS, which is not served" "TLS"
refused "qcow2:nbd://127.0.0.1:10810/x" "is an image within an NBD export; serve it with qemu-nbd there" "an image within an export"
