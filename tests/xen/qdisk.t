#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Disks of kind qdisk with stock xl: a line of configuration without script=, and halfback-dm in QEMU's place.  The
# kernel's backend may be loaded, for it takes no qdisk.
#
# shellcheck disable=SC2016 # single quotes: for the guest's shell

. "$(dirname "$0")/lib.sh"
xen_test 15
disk=$(image disk 64M)
head -c 1M /dev/urandom >"$WORK/data"
dd if="$WORK/data" of="$disk" conv=notrunc status=none

qdisk_config() { # DISK...: a guest's configuration with these lines
	local config disk
	config=$(guest_config g pv)
	{
		sed '/^disk=\[/,/^\]/d' "$config"
		echo "device_model_version='qemu-xen'"
		echo "device_model_override='$BUILD/halfback-dm'"
		echo "disk=["
		for disk; do
			echo "	'$disk',"
		done
		echo "]"
	} >"$config.qdisk"
	echo "$config.qdisk"
}
dm_log() {
	cat /var/log/xen/qemu-dm-g.log
}

insmod "$BUILD/xen-blkback.ko"
blkback_start --kinds=vbd,vbd3,qdisk
: >"$(console_of g)"
ok "xl creates a guest with a disk of backendtype=qdisk" xl create "$(qdisk_config "$disk,raw,xvda,rw,backendtype=qdisk")"
ok "which boots" guest_boot g
ok "halfback-dm is its device model" kill -0 "$(xenstore-read "/local/domain/$(xl domid g)/image/device-model-pid")"
is "$(xenstore-read "/local/domain/0/backend/qdisk/$(xl domid g)/51712/served-by")" halfback "blkback serves its disk"
is "$(guest_run g 'cat /sys/block/xvda/size')" 131072 "the guest sees the size"
is "$(guest_run g 'head -c 1048576 /dev/xvda | md5sum')" "$(md5sum <"$WORK/data")" "reads what is there"
ok "and writes a filesystem" guest_run g '/usr/sbin/mke2fs -q -t ext4 /dev/xvda && mount -t ext4 /dev/xvda /mnt &&
	dd if=/dev/urandom of=/mnt/file bs=64k count=40 2>/dev/null && umount /mnt'
ok "which dom0 finds clean" e2fsck -fn "$disk"
ok "a second disk is attached" xl block-attach g "$(image second 8M),raw,xvdb,rw,backendtype=qdisk"
ok "and written" guest_writes g xvdb "$WORK/second" second
ok "and detached" xl block-detach g xvdb
pid=$(xenstore-read "/local/domain/$(xl domid g)/image/device-model-pid")
ok "the guest is destroyed" xl destroy g
ok "its device model is gone" wait_for 10 is_gone "$pid"
: >"$WORK/small"
not_ok "an image that is none ends xl create" xl create "$(qdisk_config "$WORK/small,raw,xvda,rw,backendtype=qdisk")"
like "$(dm_log)" "halfback-dm: disk 51712 of guest [0-9]+: .*small is empty; make it as large" "and the device model's log says why"
rmmod xen_blkback
