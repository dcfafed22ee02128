#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Disks of 512-byte sectors on stores of 4096-byte ones, a block device and a file: requests of any sectors beside
# those of whole blocks, crowded together, lose nothing, and what was flushed is on the store itself.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 37

# The stores: loop devices of 4096-byte sectors whose own I/O is direct, one of them with a file system.
LOOPS=()
cleanup() {
	local dev
	mountpoint -q "$WORK/fs" && umount -l "$WORK/fs"
	for dev in "${LOOPS[@]}"; do
		losetup -d "$dev"
	done
	rm -rf "$BACK"
}
trap 'cleanup; test_end' EXIT
# O_DIRECT all the way down wants a real disk, which the host's directory need not be on.
BACK=$(mktemp -d "${TMPDIR:-/var/tmp}/halfback-4k.XXXXXX")
loop_make() { # NAME SIZE: DEV names it
	truncate -s "$2" "$BACK/$1"
	DEV=$(losetup -f --show --sector-size 4096 --direct-io=on "$BACK/$1") || return 1
	LOOPS+=("$DEV")
}
loop_make device 16M && device=$DEV
loop_make fs 64M
mkfs.ext4 -q -b 4096 "$DEV"
mkdir "$WORK/fs" && mount "$DEV" "$WORK/fs"
head -c 8M /dev/zero >"$WORK/fs/image"
sync "$WORK/fs/image"

blkback_start --queues=4
ok "a guest is created" guest_create g "vdev=xvda,target=$device" "vdev=xvdb,target=$WORK/fs/image" \
	"vdev=xvdc,target=$(image plain.img 8M)"
# The cache of a device that nobody has open is dropped; here it stays, as it does on a host that looks at its disks.
exec 9<"$device"
is "$(blockdev --getss "$device")" 4096 "the device has sectors of 4096 bytes"

direct() { # STORE: reads its start past the page cache
	dd if="$1" of="$WORK/direct" iflag=direct bs=4k count=$((sectors / 8)) status=none
}
sectors=512
for disk in "xvda 51712 $device" "xvdb 51728 $WORK/fs/image"; do
	read -r vdev devid store <<<"$disk"
	for seed in 1 2; do
		ok "$vdev: sectors and blocks, crowded, are as written" \
			xloop exec g -- "$BUILD/tests/blkmix" "$vdev" 3 $sectors $seed "$WORK/want"
	done
	is "$(xenstore-read "$BE/1/$devid/sector-size" "$BE/1/$devid/physical-sector-size" | xargs)" "512 4096" \
		"$vdev: the guest is shown 512, and 4096 below"
	is "$(xenstore-read "$BE/1/$devid/multi-queue-max-queues")" 1 "$vdev: one queue sees all"
	ok "$vdev: what was flushed" direct "$store"
	ok "$vdev: is on the store" cmp "$WORK/direct" "$WORK/want"
	ok "$vdev: and the host's cache agrees" cmp -n $((sectors * 512)) "$store" "$WORK/want"
	for bs in 512 1536 5k 64k; do
		ok "$vdev: blocks of $bs, verified" xloop exec g -- blkload --dev="$vdev" --rw=randrw --bs=$bs --qd=32 --verify \
			--ios=3000 --size=3840k
	done
done
flushes() {
	awk '{ print $16 }' "/sys/block/${device#/dev/}/stat"
}
before=$(flushes)
ok "a flush is taken" xloop exec g -- blkload --dev=xvda --op=flush
ok "and reaches the device" [ "$(flushes)" -gt "$before" ]
is "$(xenstore-read "$BE/1/51744/multi-queue-max-queues")" 4 "a store without such blocks keeps its queues"

# A script of somebody else's names its image when queues have been offered already: then the page cache does it all.
cat >"$WORK/other" <<-EOF
	#!/bin/sh
	[ "\$1" != add ] || xenstore-write "\$XENBUS_PATH/physical-device-path" "$device" "\$XENBUS_PATH/hotplug-status" connected
EOF
chmod +x "$WORK/other"
xloop block-detach g xvda
ok "a script names the device late" xloop block-attach g "vdev=xvda,script=$WORK/other,target=x"
is "$(xenstore-read "$BE/1/51712/multi-queue-max-queues")" 4 "when queues had been offered"
for bs in 512 4k 5k; do
	ok "four queues write blocks of $bs, verified" xloop exec g -- blkload --dev=xvda --queues=4 --rw=randrw --bs=$bs --qd=32 \
		--verify --ios=3000 --size=3840k
done
ok "and what one queue does crowded" xloop exec g -- "$BUILD/tests/blkmix" xvda 2 $sectors 3 "$WORK/want"
ok "is on the store" direct "$device"
ok "too" cmp "$WORK/direct" "$WORK/want"

truncate -s 3000320 "$WORK/fs/odd"
xloop block-attach g "vdev=xvdd,target=$WORK/fs/odd"
ok "an image that ends within a block works to its last sector" xloop exec g -- blkload --dev=xvdd --rw=randrw --bs=512 \
	--qd=8 --verify --offset=2990080 --size=10240 --ios=500
is "$(stat -c %s "$WORK/fs/odd")" 3000320 "and keeps its size"
