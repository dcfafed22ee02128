#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `make demo`: guests' disks and NICs served end to end, on any Debian 12 machine, with no hypervisor.
#
# It starts a private host (the embedded Xen and Debian's own xenstored), blkback, and a guest with four disks; copies a
# real filesystem out through the first, writes with verification to the second and looks at what arrived on the host,
# makes and checks a filesystem through the guest, and measures.  Then netback and two more guests on a bridge: ping, TCP,
# and a file that one of them serves by HTTP and the other fetches.  Everything lives below the private host's directory
# and ends with it, on Ctrl-C too.

set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
export BUILD
MIB=1048576

if [ "$(id -u)" -ne 0 ]; then
	echo "make demo needs root, for the workers' own user ids and the kernel's file-system tools; run: sudo make demo" >&2
	exit 1
fi
if [ -z "${DEMO_IN_HOST:-}" ]; then
	export DEMO_IN_HOST=1
	exec "$BUILD/xloop" run -- "$BASH" "$0"
fi

# A program that ends well on Ctrl-C must not let the demo go on.
trap "exit 130" INT
trap "exit 143" TERM HUP
cd "$XLOOP_DIR" || exit 1
started=$(date +%s)
verified=0
step=0

say() {
	step=$((step + 1))
	printf '\n[%d/9] %s\n' "$step" "$*"
}

note() {
	printf '      %s\n' "$*"
}

die() {
	printf '\ndemo: %s\n' "$*" >&2
	for log in "$XLOOP_DIR"/*.log; do
		[ -s "$log" ] || continue
		printf -- '--- %s\n' "${log##*/}" >&2
		tail -n 15 "$log" >&2
	done
	exit 1
}

# try WHAT COMMAND...: runs quietly; its output is shown only when it fails.
try() {
	local what=$1 out
	shift
	out=$("$@" 2>&1) && return 0
	printf '%s\n' "$out" >&2
	die "$what failed: $*"
}

# wait_for SECONDS COMMAND...
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -le $end ] || return 1
		read -rt 0.05 <> <(:) || :
	done
}

mib() {
	echo $(($1 / MIB))
}

guest() {
	xloop exec demo -- "$@"
}

# The guest's disk $1 as an NBD server on $1.sock, while the function after it runs.
with_nbd() {
	local disk=$1 pid
	shift
	guest nbdkit --foreground --unix "$XLOOP_DIR/$disk.sock" "$BUILD/nbdkit-xenblk-plugin.so" "dev=$disk" \
		>>"$XLOOP_DIR/nbdkit.log" 2>&1 &
	pid=$!
	wait_for 10 test -S "$disk.sock" || die "nbdkit did not start on $disk"
	"$@" "nbd+unix:///?socket=$XLOOP_DIR/$disk.sock"
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	rm -f "$disk.sock"
}

# ---- what is done through the disk ----

copy_out() {
	try "copying the disk" nbdcopy "$1" copy.img
}

copy_in() {
	try "copying onto the disk" nbdcopy --flush random.bin "$1"
}

fio_verify() {
	try "fio with verify" fio --name=demo --ioengine=nbd --uri="$1" --rw=randrw --bs=16k --iodepth=16 --size=64M \
		--verify=crc32c --do_verify=1 --verify_fatal=1 --output=fio.log
}

# Without a limit of deaths and waits between them, which are for workers that crash by themselves.
start_blkback() {
	blkback --restarts=0 >>blkback.log 2>&1 &
	BLKBACK=$!
	disown
}

worker() {
	pgrep -P "$BLKBACK" -f '^blkback: dom '
}

scratch_state_is() {
	[ "$(guest xenstore-read device/vbd/51728/state)" = "$1" ]
}

kill_under_load() {
	local n load victims
	xloop exec demo -- blkload --dev=xvdb --rw=randrw --bs=4k --qd=32 --size=64M --runtime=100 --verify --flush-every=50 --json \
		>load.json 2>>blkload.log &
	load=$!
	wait_for 10 scratch_state_is 4 || die "the guest does not connect its disk"
	for n in {1..10}; do
		sleep 0.2
		wait_for 10 worker >/dev/null || die "no worker follows the one that was killed"
		victims=$(worker)
		[ "$n" -ne 5 ] || victims+=" $BLKBACK"
		# shellcheck disable=SC2086 # one or two
		kill -9 $victims
		[ "$n" -ne 5 ] || start_blkback
		scratch_state_is 4 || die "the guest noticed that its worker died"
	done
	sleep 0.5
	kill $load # it ends what it has begun, and tells
	wait $load || die "the guest lost I/O when its worker died"
	[ "$(jq '.errors + .verify_errors' load.json)" = 0 ] || die "the guest saw errors"
	verified=$((verified + $(jq '.verified * .bs' load.json)))
}

make_fs() {
	local pid
	mkdir -p mnt
	nbdfuse mnt/disk "$1" >>nbdfuse.log 2>&1 &
	pid=$!
	wait_for 10 test -f mnt/disk || die "nbdfuse did not start"
	try "mkfs.ext4 through the guest's disk" mkfs.ext4 -q -F -d files mnt/disk
	try "e2fsck through the guest's disk" e2fsck -f -n mnt/disk
	try "unmounting" umount mnt
	wait "$pid" 2>/dev/null
}

# ---- the account ----

say "A disk image of 256 MiB with an ext4 filesystem and real files"
mkdir files
cp -r /usr/share/common-licenses /etc/services files/
cp -L /usr/bin/qemu-img /usr/bin/nbdkit /usr/bin/perl files/
head -c 32M /dev/urandom >random.bin
truncate -s 256M disk.img scratch.img
# Reading a hole is no reading: what is measured is written first, every block.
head -c 256M /dev/urandom >full.img
try "mkfs.ext4" mkfs.ext4 -q -F -d files disk.img
note "$(find files -type f | wc -l) files, $(du -sh files | cut -f1), sha256 $(sha256sum disk.img | cut -c1-16)..."

say "blkback, and a guest with four disks"
start_blkback
cat >demo.cfg <<-END
	name = "demo"
	memory = 128
	disk = [ 'format=raw,vdev=xvda,access=rw,target=$XLOOP_DIR/disk.img',
	         'format=raw,vdev=xvdb,access=rw,target=$XLOOP_DIR/scratch.img',
	         'format=raw,vdev=xvdc,access=rw,target=null:16G',
	         'format=raw,vdev=xvdd,access=rw,target=$XLOOP_DIR/full.img' ]
END
try "creating the guest" xloop create demo.cfg
xloop block-list demo | sed 's/^/      /'

say "Copy the filesystem out through the guest's disk (nbdkit plugin, nbdcopy)"
with_nbd xvda copy_out
cmp disk.img copy.img || die "the copy differs from the image"
verified=$((verified + $(stat -c %s copy.img)))
note "256 MiB copied, byte for byte the same"

say "Write onto the second disk, with every block verified"
with_nbd xvdb copy_in
cmp random.bin <(head -c "$(stat -c %s random.bin)" scratch.img) || die "what arrived on the host differs"
verified=$((verified + $(stat -c %s random.bin)))
note "32 MiB of random bytes by nbdcopy: on the host the image file holds them"
with_nbd xvdb fio_verify
verified=$((verified + 64 * MIB))
note "64 MiB by fio, random order, crc32c of each block read back and checked"
guest blkload --dev=xvdb --rw=randwrite --bs=4k --qd=32 --size=64M --verify --json >load.json 2>>blkload.log ||
	die "blkload with verify failed"
[ "$(jq .verify_errors load.json)" = 0 ] || die "blkload found wrong blocks"
verified=$((verified + $(jq '.verified * .bs' load.json)))
note "$(jq .verified load.json) blocks of 4 KiB by blkload, 32 in flight, read back and checked"

say "Kill -9 its worker ten times in the middle of verified I/O, and once blkback itself"
kill_under_load
note "the guest saw nothing: $(jq .ios load.json) reads and writes, no error, $(jq .verified load.json) blocks checked, its state was 4 all the time"
note "the longest that one of its requests took: $(jq '.latency_us.max / 1000 | round' load.json) ms"

say "Make a filesystem through the guest's disk, and check it on the host"
if [ -c /dev/fuse ]; then
	with_nbd xvdb make_fs
	try "e2fsck of the image on the host" e2fsck -f -n scratch.img
	for file in perl nbdkit services; do
		debugfs -R "dump $file out.bin" scratch.img 2>/dev/null
		cmp "files/$file" out.bin || die "$file differs in the filesystem made through the guest"
		verified=$((verified + $(stat -c %s out.bin)))
	done
	note "mkfs.ext4 and e2fsck through nbdfuse; on the host fsck is clean and the files are whole"
else
	note "left out: this machine has no /dev/fuse"
fi
try "e2fsck of the first image" e2fsck -f -n disk.img
note "the first image is still clean"

# ---- figures ----

# Everything a real dom0 and guest would have asked of the hypervisor so far.
hypercalls() {
	xloop stats --json | jq '[.[] | .by | .copy_hypercalls + .map_calls + .unmap_calls + .notifies] | add'
}

measure() { # LABEL DISK RW BS QD
	local before after
	before=$(hypercalls)
	guest blkload --dev="$2" --rw="$3" --bs="$4" --qd="$5" --runtime=2 --json >load.json 2>>blkload.log ||
		die "the load \"$1\" failed"
	after=$(hypercalls)
	[ "$(jq .errors load.json)" = 0 ] || die "the load \"$1\" met errors"
	jq -r --arg name "$1" --argjson calls $((after - before)) '
		[$name, (.iops | round), (.bandwidth / 1048576 | round), .latency_us.p50, .latency_us.p99,
		 ($calls / .ios * 100 | round / 100)] | @tsv' load.json >>figures
	note "$1: $(jq '.iops | round' load.json) IOPS"
}

say "Measure: two seconds each"
: >figures
measure "file: 4 KiB random read, 1 in flight" xvdd randread 4k 1
measure "file: 4 KiB random read, 32 in flight" xvdd randread 4k 32
measure "file: 4 KiB random write, 32 in flight" xvdd randwrite 4k 32
measure "file: 128 KiB read, 8 in flight" xvdd read 128k 8
measure "null: 4 KiB random read, 32 in flight" xvdc randread 4k 32

# ---- the net ----

in_guest() { # GUEST COMMAND...
	xloop exec "$1" -- "${@:2}"
}

net_guest() { # NAME N
	printf 'name = "%s"\nmemory = 64\nvif = [ "bridge=xenbr0,mac=00:16:3e:00:00:0%d" ]\n' "$1" "$2" >"$1.cfg"
	try "creating the guest $1" xloop create "$1.cfg"
	try "giving $1 an address" in_guest "$1" ip addr add "10.0.0.1$2/24" dev eth0
}

# iperf LABEL SERVER-GUEST|host CLIENT-GUEST ADDRESS
iperf() {
	local server=(iperf3 -s -1 --forceflush)
	[ "$2" = host ] || server=(xloop exec "$2" -- "${server[@]}")
	rm -f iperf.log
	"${server[@]}" >iperf.log 2>&1 &
	wait_for 10 grep -qs listening iperf.log || die "iperf3 does not listen in $2"
	in_guest "$3" iperf3 -c "$4" -t 1 -J >iperf.json || die "TCP failed: $1"
	note "$1: $(jq '.end.sum_received.bits_per_second / 1e8 | round / 10' iperf.json) Gbit/s of TCP"
}

say "netback, and two guests on a bridge: ping, TCP, a page"
netback >>netback.log 2>&1 &
NETBACK=$!
ip link add xenbr0 type bridge
ip addr add 10.0.0.1/24 dev xenbr0
ip link set xenbr0 up
net_guest left 1
net_guest right 2
xloop network-list left | sed 's/^/      /'
note "in the guest: $(in_guest left ip -br addr show eth0 | tr -s ' ')"
try "ping from guest to guest" in_guest left ping -n -q -c 5 -i 0.05 10.0.0.12
note "ping: $(in_guest left ping -n -q -c 20 -i 0.01 10.0.0.12 | sed -n 's/^rtt/rtt/p')"
iperf "guest to host" host left 10.0.0.1
iperf "guest to guest" right left 10.0.0.12
in_guest right busybox httpd -f -p 80 -h "$XLOOP_DIR/files" &
wait_for 10 in_guest left busybox wget -q -O /dev/null http://10.0.0.12/services || die "no page from right"
try "fetching a file" in_guest left busybox wget -q -O page http://10.0.0.12/perl
cmp files/perl page || die "the file that left fetched from right differs"
verified=$((verified + $(stat -c %s page)))
note "left fetched $(stat -c %s page) bytes from right by HTTP, every one right"
try "destroying a guest" xloop destroy left
try "destroying a guest" xloop destroy right
kill $NETBACK
wait $NETBACK

say "Detach, destroy, count what is left"
try "detaching the third disk" xloop block-detach demo xvdc
try "destroying the guest" xloop destroy demo
left=$(xloop stats --json 0 | jq '.maps')
[ "$left" = 0 ] || die "$left grants are still mapped after the guest is gone"
note "no mapping, no node, no process of the guest is left"

printf '\n%-40s %9s %7s %9s %9s %11s\n' "" IOPS MiB/s "p50 us" "p99 us" "hypercalls"
printf '%-40s %9s %7s %9s %9s %11s\n' "" "" "" "" "" "per I/O"
while IFS=$'\t' read -r label iops mibs p50 p99 calls; do
	printf '%-40s %9s %7s %9s %9s %11s\n' "$label" "$iops" "$mibs" "$p50" "$p99" "$calls"
done <figures
printf '\nThese are the embedded Xen'\''s figures, not a real hypervisor'\''s; the counts hold on both.\n'
printf '%d MiB verified, 0 bytes wrong, in %d s.\n' "$(mib $verified)" $(($(date +%s) - started))
