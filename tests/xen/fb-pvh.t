#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A PVH guest of which each device is ours: a screen, a qcow2 image without a script, and a NIC.  No QEMU runs in dom0.
#
# shellcheck disable=SC2016 # single quotes: for eval and the guest's shell

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
. "$(dirname "$0")/fb.sh"
xen_test 13

# Of a device model's kind; qemu-nbd, which only reads and writes the image's format, is blkback's helper.
qemu_runs() {
	pgrep -a '^qemu' | grep -v 'qemu-nbd'
}

qemu-img create -q -f qcow2 "$WORK/disk.qcow2" 64M
blkback_start --kinds=vbd,vbd3,qdisk
net_start
pvfb_start
ok "xl creates it" screen_start g 'vnc=1' pvh "disk=['$WORK/disk.qcow2,qcow2,xvda,rw']" "vif=['$(vif_of 1)']"
ok "halfback-dm is its device model" grep -q halfback-dm "/proc/$(xenstore-read "/local/domain/$(xl domid g)/image/device-model-pid")/cmdline"
not_ok "no QEMU runs" qemu_runs
is "$(fb_states g)" "4 4 4 4" "screen and keyboard are connected"
fb_steady g
ok "a viewer sees what the guest shows" same_picture g
guest_run g 'echo "something else is written now" >/dev/tty1'
ok "and what is written then" same_picture g
guest_run g '(head -n 1 </dev/tty1 >/tmp/typed) & sleep 1' >/dev/null
viewer g type "typed_to_PVH" key 0xff0d down key 0xff0d up
ok "what is typed arrives" wait_for 10 eval '[ "$(guest_run g "cat /tmp/typed")" = typed_to_PVH ]'
ok "it writes a filesystem to its disk" guest_run g '/usr/sbin/mke2fs -q -t ext4 /dev/xvda && mount -t ext4 /dev/xvda /mnt &&
	echo hello >/mnt/file && umount /mnt'
ok "its NIC reaches dom0" bridge_address g 1
viewer_stays g
ok "it is destroyed while somebody looks" xl destroy g
ok "nothing is left" wait_for 15 eval 'is_gone $LOOKS && no_screens && only_dom0 && ! pgrep -x qemu-nbd'
ok "its image is in order" qemu-img check -q -f qcow2 "$WORK/disk.qcow2"
is "$(qemu-img convert -O raw "$WORK/disk.qcow2" "$WORK/disk.raw" && debugfs -R 'cat /file' "$WORK/disk.raw" 2>/dev/null)" hello \
	"and holds what the guest wrote"
