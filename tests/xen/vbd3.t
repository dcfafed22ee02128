#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A disk of kind vbd3, with the nodes that Xen 4.19 writes for backendtype=tap, made by hand since xl 4.17 can't: Linux'
# own frontend uses it.  The kernel's backend may be loaded meanwhile, for it takes no vbd3.

. "$(dirname "$0")/lib.sh"
xen_test 8
disk=$(image disk 8M)
head -c 64k /dev/urandom >"$WORK/data"
dd if="$WORK/data" of="$disk" conv=notrunc status=none

vbd3_make() { # DOMID DEVID IMAGE
	local be=/local/domain/0/backend/vbd3/$1/$2 fe=/local/domain/$1/device/vbd/$2
	xenstore-write "$be" ""
	xenstore-chmod "$be" n0 "r$1"
	xenstore-write "$be/frontend" "$fe" "$be/frontend-id" "$1" "$be/online" 1 "$be/removable" 0 "$be/bootable" 1 \
		"$be/params" "aio:$3" "$be/dev" xvdb "$be/type" vbd3 "$be/mode" w "$be/device-type" disk "$be/discard-enable" 1
	xenstore-write "$be/state" 1
	xenstore-write "$fe" ""
	xenstore-chmod "$fe" "n$1" r0
	xenstore-write "$fe/backend" "$be" "$fe/backend-id" 0 "$fe/virtual-device" "$2" "$fe/device-type" disk "$fe/state" 1
}

ok "the kernel's backend is loaded" insmod "$BUILD/xen-blkback.ko"
blkback_start
ok "a guest is created" guest_create g pv
be=/local/domain/0/backend/vbd3/$(xl domid g)/51728
vbd3_make "$(xl domid g)" 51728 "$disk"
ok "a vbd3 disk is connected" wait_node "$be/state" 4 30
# shellcheck disable=SC2016 # for the guest's shell
is "$(guest_run g 'while [ ! -e /dev/xvdb ] ; do sleep 0.1 ; done ; head -c 65536 /dev/xvdb | md5sum')" "$(md5sum <"$WORK/data")" \
	"the guest reads it"
ok "writes it" guest_run g 'dd if=/dev/xvdb of=/dev/xvdb bs=64k count=1 seek=4 conv=fsync 2>/dev/null'
is "$(dd if="$disk" bs=64k skip=4 count=1 status=none | md5sum)" "$(md5sum <"$WORK/data")" "and the image has it"
xenstore-write "$be/online" 0 "$be/state" 5
ok "it is detached" wait_node "$be/state" 6 30
ok "the kernel's backend never had it" rmmod xen_blkback
xenstore-rm "$be"
xenstore-rm "/local/domain/$(xl domid g)/device/vbd/51728"
