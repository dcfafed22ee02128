#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest whose first kernel is GRUB, from its own disk, twenty times in a row.  Each GRUB takes the disk, reads and
# writes it by a frontend of its own, closes it (state 6), makes it new (state 1), waits for the backend to do the
# same, and jumps into the next kernel, which connects again: what a kexec does to a backend.  The last kernel is Linux.

. "$(dirname "$0")/lib.sh"
xen_test 6
times=20
marks=$(printf 'x%.0s' $(seq $times))
WAIT_STEP=3 # GRUB waits for its disk by yielding its processor, to whoever looks whether it is done
disk=$(image disk 160M)

# GRUB can't count, but it can add an x to a word that it keeps on the disk.
tree() {
	mkdir -p "$WORK/tree/boot/grub"
	cp "$BUILD/vmlinux" "$BUILD/guest.cpio" "$BUILD/grub.pv" "$WORK/tree/boot/"
	{
		echo "# GRUB Environment Block"
		echo "n="
		printf '#%.0s' $(seq 1024)
	} | head -c 1024 >"$WORK/tree/boot/grub/grubenv"
	cat >"$WORK/tree/boot/grub/grub.cfg" <<-END
		load_env -f /boot/grub/grubenv
		if [ "\$n" = $marks ] ; then
			linux /boot/vmlinux console=hvc0 quiet mitigations=off panic=1
			initrd /boot/guest.cpio
		else
			set n="\${n}x"
			save_env -f /boot/grub/grubenv n
			linux /boot/grub.pv
		fi
		boot
	END
	mke2fs -q -t ext2 -d "$WORK/tree" "$disk" && rm -r "$WORK/tree"
}

# From GRUB's first breath to Linux' shell.
boots() {
	local config
	config=$(guest_config g pv "vdev=xvda,access=rw,target=$disk")
	sed -i "s|^kernel=.*|kernel='$BUILD/grub.pv'|; /^ramdisk=/d; /^cmdline=/d" "$config"
	: >"$(console_of g)"
	xl create "$config" && wait_for 250 guest_ready g 1
}

blkback_start
ok "a disk with GRUB's files is made" tree
ok "GRUB starts GRUB $times times and then Linux" boots
is "$(dd if="$disk" bs=1M status=none | grep -aox "n=x*")" "n=$marks" "each of them has written its mark"
is "$(blkback_log | grep -c 'state 4 (Connected)')" $((times + 2)) \
	"each of them and Linux connected once"
is "$(pgrep -fc '^blkback: dom')" 1 "one worker serves the guest"
ok "Linux reads the disk" guest_run g 'mount -t ext4 -o ro /dev/xvda /mnt && cmp /mnt/boot/grub.pv /mnt/boot/grub.pv'
