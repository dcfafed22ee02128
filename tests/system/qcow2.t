#!/bin/bash
# SPDX-License-Identifier: MIT
# Images that are not raw, served by a confined qemu-nbd each: written through the guest and compared by qemu-img.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 57

cd "$WORK" || exit 1
blkback_start
xloop create "$(guest_config g)" >/dev/null
load() {
	xloop exec g -- blkload --dev=xvda "$@"
}
nbd_pid() { # its pids, as the host sees them
	pgrep -P "$BLKBACK_PID" -f '^/usr/bin/qemu-nbd '
}
no_nbd() {
	! nbd_pid
}
attach() { # TARGET [ACCESS]
	xloop block-attach g "vdev=xvda,access=${2:-rw},target=$1"
}
raw=$(image raw.img 64M)

# The same load onto a raw image; then each format must hold the same.
attach "$raw"
load --rw=write --verify --bs=32k --size=48M >/dev/null
load --rw=write --verify --bs=512 --offset=50M --size=256k >/dev/null
xloop block-detach g xvda
for format in qcow2 vhd vpc vmdk qed; do
	file=disk.$format
	qemu=${format/vhd/vpc}
	case $qemu in
	vpc) qemu-img create -q -f vpc -o force_size=on "$file" 64M ;;
	*) qemu-img create -q -f "$qemu" "$file" 64M ;;
	esac
	ok "$format: an image is attached" attach "$format:$WORK/$file"
	is "$(load --op=info --json | jq .sectors)" 131072 "  with its virtual size"
	load --rw=write --verify --bs=32k --size=48M >/dev/null
	ok "  it is written and read back" load --rw=write --verify --bs=512 --offset=50M --size=256k
	ok "  flushed" load --op=flush
	ok "  detached" xloop block-detach g xvda
	ok "  its qemu-nbd ends" wait_for 10 no_nbd
	ok "  and it holds what a raw image would" qemu-img compare -q -f "$qemu" -F raw "$file" "$raw"
done

ok "an image is attached read-only" attach "qcow2:$WORK/disk.qcow2" ro
ok "  and read" load --rw=read --verify --bs=32k --size=48M
not_ok "  and not written" load --rw=write --ios=1
xloop block-detach g xvda

# Two formats of the same name are no surprise: nothing is guessed.
cp disk.qcow2 copy.raw
attach "$WORK/copy.raw"
is "$(load --op=info --json | jq .sectors)" $(($(stat -c %s copy.raw) / 512)) "a qcow2 attached without its format is raw bytes"
xloop block-detach g xvda

attach "qcow2:$WORK/disk.qcow2"
before=$(du -k disk.qcow2 | cut -f1)
ok "a discard is taken" load --op=discard --size=32M
xloop block-detach g xvda
wait_for 10 no_nbd
ok "and frees the image's clusters" [ "$(du -k disk.qcow2 | cut -f1)" -lt $((before - 30000)) ]
ok "qemu-img finds the image whole" qemu-img check -q disk.qcow2

# While it is served.
attach "qcow2:$WORK/disk.qcow2"
not_ok "another program can't write it while no guest is connected" qemu-img resize -q -f qcow2 disk.qcow2 128M
neighbour_start g --bs=16k --flush-every=50
copied() {
	xloop stats --json g | jq .to.copy_ops
}
more() { # than COUNT
	[ "$(copied)" -gt "$1" ]
}
wait_for 10 more $(($(copied) + 500))
not_ok "nor while one is" qemu-img resize -q -f qcow2 disk.qcow2 128M
pid=$(nbd_pid)
status() {
	awk -v key="$1:" '$1 == key { print $2 }' "/proc/$pid/status"
}
is "$(status Uid)" $((0x68620000 + 0x8000 + 1)) "its qemu-nbd runs as a user of its own"
is "$(status CapEff) $(status CapBnd) $(status NoNewPrivs)" "0000000000000002 0000000000000002 1" \
	"without capabilities but to open its image, and can gain none"
is "$(ls -A "/proc/$pid/root")" "dev
lib
lib64
tmp
usr" "it sees its libraries and the image's place"
is "$(cd "/proc/$pid/root/tmp" && find . -type f)" ".${WORK#/tmp}/disk.qcow2" "in which there is the image only"
for ns in net mnt pid ipc uts; do
	[ "$(readlink "/proc/$pid/ns/$ns")" = "$(readlink /proc/self/ns/$ns)" ] && diag "its $ns namespace is the host's"
done
is "$(nsenter -t "$pid" -n ip -o link | grep -vc lo:)" 0 "it has no network"

for _ in 1 2; do
	pid=$(nbd_pid)
	kill -9 "$pid"
	wait_for 5 is_gone "$pid"
	ok "killed, it is started again" wait_for 10 nbd_pid
	ok "  and I/O goes on" wait_for 10 more $(($(copied) + 200))
done
blkback_stop
ok "blkback is ended under the load, and no qemu-nbd is left" [ -z "$(pgrep -f "^/usr/bin/qemu-nbd .*$WORK")" ]
blkback_start
ok "the next one goes on with it" wait_for 10 more $(($(copied) + 200))
ok "the guest saw no error, and every block was verified" neighbour_well g
wait $NEIGHBOUR
xloop block-detach g xvda
wait_for 10 no_nbd
attach "qcow2:$WORK/disk.qcow2"
load --rw=randread --runtime=60 >out 2>&1 &
wait_for 10 more $(($(copied) + 200))
kill -9 "$BLKBACK_PID"
wait "$BLKBACK_PID" 2>/dev/null
nobody() {
	[ -z "$(pgrep -f "^/usr/bin/qemu-nbd .*$WORK")" ]
}
ok "nor is one when blkback was killed" wait_for 10 nobody
BLKBACK_PID=
