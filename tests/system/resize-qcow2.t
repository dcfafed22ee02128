#!/bin/bash
# SPDX-License-Identifier: MIT
#
# halfback resize makes a qcow2 image larger under a guest at work: it sees the new size without reconnecting, loses
# nothing and uses the new end.  What can't be made larger is told in one sentence, and is served on as it was.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 69

FRONTEND=
trap 'umount -l "$WORK/small" 2>/dev/null; test_end' EXIT
cd "$WORK" || exit 1
M=$((1 << 20))
qemu-img create -q -f qcow2 a.qcow2 64M
blkback_start
guest_create g "vdev=xvda,target=qcow2:$WORK/a.qcow2" >/dev/null

nbd_pid() {
	pgrep -P "$BLKBACK_PID" -f '^/usr/bin/qemu-nbd '
}
no_nbd() {
	! nbd_pid
}
virtual_size() { # FILE
	qemu-img info -U --output=json "$1" | jq '."virtual-size"'
}
copied() {
	xloop stats --json g | jq .to.copy_ops
}
more() { # than COUNT
	[ "$(copied)" -gt "$1" ]
}

# Under blkload, which checks each block that it reads.
load --rw=write --verify --bs=64k --offset=32M --size=16M >/dev/null
neighbour_start g --size=32M --flush-every=50
ports=$(frontend_node g 51712 event-channel)
for size in 128 3072; do
	wait_for 10 more $(($(copied) + 200))
	is "$(halfback resize g xvda ${size}M)" "xvda of guest g has $((size * M)) bytes now" "an image is made larger under verified I/O"
	ok "  its guest is told" wait_node "$BE/1/51712/sectors" $((size * 2048))
	is "$(xenstore-read "$BE/1/51712/state")" 4 "  and stays connected"
	is "$(virtual_size a.qcow2)" $((size * M)) "  the image has that size"
	ok "  I/O goes on" wait_for 10 more $(($(copied) + 200))
done
is "$(frontend_node g 51712 event-channel)" "$ports" "nothing was connected anew"
is "$(log_count 'lost its server|its server is back')" 0 "the log speaks of no loss"
ok "no error was seen, and every block was right" neighbour_well g
wait $NEIGHBOUR
ok "what was written before is there" load --rw=read --verify --bs=64k --offset=32M --size=16M
ok "the new end holds what is written" load --rw=randrw --verify --bs=16k --offset=3008M --size=64M --ios=2000

frontend_serve g xvda
frontend_fio g xvda --size=16M --time_based --runtime=4 >fio.log 2>&1 &
load=$!
wait_for 10 more $(($(copied) + 200))
ok "it is made larger once more" halfback resize 1 51712 $((4096 * M))
ok "the guest sees it" wait_for 5 frontend_size_is g xvda $((4096 * M))
ok "and uses it" frontend_fio g xvda --offset=4080M --size=16M
wait $load
is $? 0 "the I/O meanwhile never failed" || diag "$(cat fio.log)"

kill -9 "$(nbd_pid)"
ok "an image whose qemu-nbd was just killed can be made larger" halfback resize g xvda 5G
ok "the guest sees it" wait_for 10 frontend_size_is g xvda $((5120 * M))
no() { # WHAT REGEX GUEST DISK SIZE
	local out
	out=$(halfback resize "${@:3}" 2>&1)
	is $? 1 "$1 is refused"
	like "$out" "^halfback: $2\$" "  with a sentence"
}

# One that is at it already: its qemu-nbd does not end.
wait_for 10 nbd_pid
kill -STOP "$(nbd_pid)"
halfback resize g xvda 6G >first.out 2>&1 &
first=$!
wait_for 5 grep -q 'waits while it is made larger, to 6442450944 bytes' "$XLOOP_DIR/blkback.log"
no "a second resize at once" ".*/a.qcow2 is being made larger already; wait for that" g xvda 7G
kill -CONT "$(nbd_pid)"
wait $first
is $? 0 "the first goes on" || diag "$(cat first.out)"
is "$(virtual_size a.qcow2)" $((6144 * M)) "and is what counts"
kill $FRONTEND
wait $FRONTEND
wait_node "$BE/1/51712/state" 6
no "a disk that its guest has let go of" "no guest uses the disk now .* make it larger with qemu-img resize" g xvda 8G
is "$(load --op=info --json | jq .bytes)" $((6144 * M)) "a frontend that connects anew sees it"
hold() { # DISK
	xloop exec g -- blkload --dev="$1" --op=hold >>hold.log 2>&1 &
	FRONTEND=$!
	wait_node "$BE/1/$2/state" 4
}
let_go() {
	kill $FRONTEND
	wait $FRONTEND
}

# What can't be.
hold xvda 51712
no "a smaller size" ".*/a.qcow2 has 6442450944 bytes, and a disk only gets larger; give more" g xvda 1G
no "the same size" ".*/a.qcow2 has 6442450944 bytes, and a disk only gets larger; give more" g xvda 6G
no "a size that is no whole sectors" "7000000001 bytes are no whole sectors; give a multiple of [0-9]+" g xvda 7000000001
no "one that is too large for the format" ".*/a.qcow2 keeps its size, since qemu-img can't make it larger: .+" g xvda 4194304T
let_go
ok "it goes on all the same" load --rw=randrw --verify --ios=500
no "a disk that is not there" "guest g has no disk xvdz, nor such a NIC, that is served here; halfback list shows them" g xvdz 1G
no "a guest that is not there" "there is no guest nobody whose disks or NICs are served here; halfback list shows them" nobody xvda 1G
other() { # TARGET [ACCESS]: as xvdb
	xloop block-attach g "vdev=xvdb,access=${2:-rw},target=$1"
}
kind() { # WHAT TARGET ACCESS REGEX
	other "$2" "$3"
	no "$1" "$4" g xvdb 1G
	xloop block-detach g xvdb
}
kind "a raw file" "$(image raw.img 1M)" rw ".*/raw.img is a raw image; make the file larger \(truncate -s\), and the guest sees it"
kind "a null disk" null:1M rw "null:1M stores nothing; attach the disk again with another size"
qemu-img create -q -f vmdk v.vmdk 16M
kind "a vmdk" "vmdk:$WORK/v.vmdk" rw ".*/v.vmdk has a format that QEMU's tools can't make larger; .* qcow2 with qemu-img convert"
qemu-img create -q -f vpc v.vhd 16M
kind "a vhd" "vhd:$WORK/v.vhd" rw ".*/v.vhd has a format that QEMU's tools can't make larger; .* qcow2 with qemu-img convert"
qemu-img create -q -f qcow2 ro.qcow2 16M
kind "a disk that the guest only reads" "qcow2:$WORK/ro.qcow2" ro \
	".*/ro.qcow2 is attached read-only; only a disk that is written can be made larger"

qemu-img create -q -f qed b.qed 16M
other "qed:$WORK/b.qed"
ok "a qed image, which no guest uses yet, is made larger" halfback resize g xvdb 64M
is "$(xloop exec g -- blkload --dev=xvdb --op=info --json | jq .sectors)" 131072 "and has its new size when it is connected"
xloop block-detach g xvdb

# A guest that does not wait for it.
wait_for 10 no_nbd
hold xvda 51712
wait_for 10 nbd_pid
kill -STOP "$(nbd_pid)"
halfback resize g xvda 9G >left.out 2>&1 &
left=$!
wait_for 5 grep -q 'waits while it is made larger, to 9663676416 bytes' "$XLOOP_DIR/blkback.log"
let_go
wait $left
is $? 1 "a guest that lets go of its disk meanwhile: nothing is made larger"
is "$(cat left.out)" "halfback: its guest has let go of the disk meanwhile; try again" "  with a sentence"
kill -CONT "$(nbd_pid)"
wait_for 10 no_nbd
is "$(virtual_size a.qcow2)" $((6144 * M)) "  the image is as it was"
ok "  and served when the guest is back" load --rw=randrw --verify --ios=500
is "$(xenstore-ls "$BE/1/51712" | grep -cE "^ *resize")" 0 "and no node is left of all that"

# No space for its tables: it has to keep its size, and the guest its data.
mkdir small
mount -t tmpfs -o size=4m none small
qemu-img create -q -f qcow2 small/full.qcow2 16M
other "qcow2:$WORK/small/full.qcow2"
full() {
	xloop exec g -- blkload --dev=xvdb "$@"
}
full --rw=write --verify --size=1M >/dev/null
dd if=/dev/zero of=small/ballast bs=4k status=none 2>/dev/null
hold xvdb 51728
no "an image on a full file system" ".*/full.qcow2 keeps its size, since qemu-img can't make it larger: .*No space left on device" g xvdb 64T
let_go
is "$(full --op=info --json | jq .sectors)" 32768 "the guest keeps its size"
ok "and its data" full --rw=read --verify --size=1M
ok "and writes" full --rw=randwrite --verify --size=1M
rm small/ballast
hold xvdb 51728
ok "with room again it is made larger" halfback resize g xvdb 64T
let_go

xloop block-detach g xvdb
xloop block-detach g xvda
ok "detached, their servers end" wait_for 10 no_nbd
ok "and QEMU finds the image in order" qemu-img check -q a.qcow2
ok "the other, too" qemu-img check -q small/full.qcow2
blkback_stop
no "a disk without blkback" "no blkback is running; start it .*" g xvda 8G
