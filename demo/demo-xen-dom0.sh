#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # single quotes: for the guest's shell
#
# The half of `make demo-xen` that runs in dom0 of a real Xen (see demo-xen.sh and tests/xen/boot): installs blkback as
# README's "With xl" says, has stock xl create a guest, shows the guest's console and what is typed there, and compares
# what the guest has read and written with the images.
#
# For the other half: "verified BYTES" is the last line of a demo that found nothing wrong.

. "$(dirname "$0")/../tests/xen/lib.sh"
PATH=/usr/lib/xen-4.17/bin:/usr/sbin:/usr/bin:/sbin:/bin # blkback is the installed one
ROOT=$TOP/build/demo-xen/root
WORK=/scratch/demo
MIB=1048576
STEPS=9
verified=0
step=1
tty=
partial=
booted=
hidden=0
status=
said=()
exec {never}<> <(:) # reading from it waits without a process

say() {
	step=$((step + 1))
	printf '\n[%d/%d] %s\n' "$step" $STEPS "$*"
}

note() {
	printf '      %s\n' "$*"
}

die() {
	local log
	printf '\ndemo-xen: %s\n' "$*"
	for log in "$LOG"/{blkback,guest-demo}.log; do
		[ -s "$log" ] || continue
		printf -- '--- %s\n' "${log##*/}"
		tail -n 15 "$log" | tr -d '\r'
	done
	exit 1
}

# run COMMAND-LINE: typed in dom0, shown with its output.
run() {
	printf '      # %s\n' "$1"
	eval "$1" 2>&1 | sed -u 's/^/      /'
	[ "${PIPESTATUS[0]}" -eq 0 ] || die "\"$1\" failed"
}

# ---- the guest's console ----

# Of the kernel's two hundred lines before it starts init, few are of interest here; from there on all are shown.
console_line() {
	case $1 in
	*'Run /init'*) booted=1 ;;
	*'Linux version'* | *'Hypervisor detected'* | *'Xen version'*) ;;
	*)
		[ -n "$booted" ] || {
			hidden=$((hidden + 1))
			return
		}
		;;
	esac
	printf '   guest| %s\n' "${1:0:150}"
}

# Shows what has come since, and keeps what is not the kernel's in `said`; succeeds when a line ends in the expression.
console_until() { # REGEX
	local line found=1
	while IFS= read -r -u "$console" line; do
		line=${partial//$'\r'/}${line//$'\r'/}
		partial=
		if [[ $line =~ $1$ ]]; then
			found=0
			status=${BASH_REMATCH[1]:-}
			line=${line%"${BASH_REMATCH[0]}"}
			[ -n "$line" ] || continue
		fi
		console_line "$line"
		[[ $line =~ ^\[\ *[0-9]+\.[0-9]+\]\  ]] || said+=("$line")
	done
	partial+=$line
	return $found
}

console_wait() { # SECONDS REGEX
	local end=$((SECONDS + $1))
	until console_until "$2"; do
		[ $SECONDS -le $end ] || return 1
		read -rt 0.1 -u "$never" || :
	done
}

# in_guest COMMAND-LINE: typed at the guest's console.
in_guest() {
	local mark=end-$RANDOM-$RANDOM
	said=()
	printf '   guest# %s\n' "$1"
	printf '%s\n' "{ $1 ; } ; echo \"$mark-\"\"\$?\"" >"$tty"
	console_wait 90 "$mark-([0-9]+)" || die "the guest did not end \"$1\" within 90 s"
	return "$status"
}

guest_does() {
	in_guest "$1" || die "in the guest, \"$1\" failed"
}

# fio's own status counts, not that of a filter behind it.
fio_in_guest() { # OPTION...
	guest_does "fio --ioengine=libaio --direct=1 $* >/tmp/fio.log && grep IOPS /tmp/fio.log"
}

# same FILE DISK: what the guest reads is what the image holds, byte for byte.
same() {
	local sum
	guest_does "sha256sum /dev/$2"
	note "# sha256sum $1"
	sum=$(sha256sum "$1") || die "can't read $1"
	note "$sum"
	[ "${said[0]%% *}" = "${sum%% *}" ] || die "/dev/$2 in the guest is not what $1 holds, whose sha256 is ${sum%% *}"
	verified=$((verified + $(stat -c %s "$1")))
}

# ---- what is shown ----

install_blkback() {
	say "In dom0: blkback, as README's \"With xl\" says"
	rm -f /etc/xen/scripts/block-halfback # the one that a test would use
	cp -a "$ROOT/." / || die "can't copy what make install has put to $ROOT"
	note "# make install PREFIX=/usr"
	(cd "$ROOT" && find . -type f) | sed 's/^\./      /'
	# What it says is to be seen on the host.
	ln -sf "$LOG/blkback.log" /var/log/blkback.log
	run "echo 'install xen-blkback /bin/false' >/etc/modprobe.d/halfback.conf"
	note "# blkback 2>>/var/log/blkback.log &"
	blkback 2>>/var/log/blkback.log &
	run "xl info | grep -E '^(release|xen_version|xen_caps)'"
}

make_images() {
	say "An ext4 filesystem with real files, and two more disks"
	mkdir -p "$WORK/files"
	cd "$WORK" || die "can't use $WORK"
	cp -L /usr/share/common-licenses/{Apache-2.0,GPL-3} /etc/services /usr/bin/{bash,fio,perl} files/
	(cd files && sha256sum -- * >../SUMS && mv ../SUMS .)
	truncate -s 48M disk.img
	truncate -s 32M scratch.img
	run "mkfs.ext4 -q -d files disk.img"
	# Reading a hole is no reading: what is measured is written first, every block.
	head -c 16M /dev/urandom >full.img
	note "$(wc -l <files/SUMS) files, $(du -sh files | cut -f1), sha256 $(sha256sum disk.img | cut -c1-16)..."
}

create_guest() {
	say "xl create: a stock PV guest with three disks"
	ln -s "$BUILD/vmlinux" "$TOP/build/demo-xen/guest.cpio" .
	cat >demo.cfg <<-END
		name = 'demo'
		memory = 512
		kernel = '$WORK/vmlinux'
		ramdisk = '$WORK/guest.cpio'
		cmdline = 'console=hvc0 loglevel=7 mitigations=off panic=1'
		disk = [ 'format=raw,vdev=xvda,access=rw,script=block-halfback,target=$WORK/disk.img',
		         'format=raw,vdev=xvdb,access=rw,script=block-halfback,target=$WORK/scratch.img',
		         'format=raw,vdev=xvdc,access=r,script=block-halfback,target=$WORK/full.img' ]
	END
	run "cat demo.cfg"
	: >"$(console_of demo)"
	run "xl create demo.cfg"
	exec {console}<"$(console_of demo)"
	tty=$(xenstore-read "/local/domain/$(xl domid demo)/console/tty") || die "the guest has no console"
	console_wait 90 'guest is ready()' || die "the guest did not boot within 90 s"
	note "($hidden more lines of the guest's kernel are left out)"
	run "xl list"
	run "xl block-list demo"
	run "ps -eo user:12,args | grep '[b]lkback'"
}

read_files() {
	local before
	say "The guest reads: the disk is the image, and the files are whole"
	same disk.img xvda
	guest_does "mount -t ext4 /dev/xvda /mnt && cd /mnt && sha256sum -c SUMS"
	guest_does "cd / && umount /mnt"
	verified=$((verified + $(cat files/* | wc -c)))
	before=$(sha256sum full.img)
	in_guest "dd if=/dev/zero of=/dev/xvdc bs=4k count=1 conv=fsync" && die "a read-only disk was written"
	same full.img xvdc
	[ "$(sha256sum full.img)" = "$before" ] || die "full.img has changed, the image of a read-only disk"
	note "the third disk is read-only: nothing was written"
}

write_blocks() {
	say "The guest writes, and every block is verified"
	fio_in_guest --name=verify --filename=/dev/xvdb --rw=randwrite --bs=16k --iodepth=16 --size=16m --verify=crc32c --verify_fatal=1
	verified=$((verified + 16 * MIB))
	note "16 MiB by fio, random order, crc32c of each block read back and checked"
	same scratch.img xvdb
	note "in dom0 the image holds what the guest reads"
}

make_filesystem() {
	say "The guest makes a filesystem and fills it; dom0 checks it"
	guest_does "/usr/sbin/mke2fs -q -t ext4 /dev/xvdb"
	guest_does "mkdir /old /new && mount -t ext4 /dev/xvda /old && mount -t ext4 /dev/xvdb /new"
	guest_does "cp -r /old/* /new/ && umount /old /new"
	run "e2fsck -fn scratch.img"
	mkdir out
	run "debugfs -R 'rdump / out' scratch.img"
	run "cd out && sha256sum -c SUMS"
	verified=$((verified + $(cat files/* | wc -c)))
	run "e2fsck -fn disk.img"
}

measure() {
	say "Measure: four seconds each"
	fio_in_guest --name=qd1 --filename=/dev/xvdc --readonly --rw=randread --bs=4k --iodepth=1 --time_based --runtime=4
	fio_in_guest --name=qd32 --filename=/dev/xvdc --readonly --rw=randread --bs=4k --iodepth=32 --time_based --runtime=4
	fio_in_guest --name=write --filename=/dev/xvdb --rw=randwrite --bs=4k --iodepth=32 --time_based --runtime=4
	note "Xen itself runs inside QEMU here: these are an emulated machine's figures, to be compared with no other's."
}

attach_detach() {
	say "A fourth disk comes and goes; the guest is destroyed; what is left?"
	truncate -s 8M extra.img
	run "xl block-attach demo format=raw,vdev=xvdd,access=rw,script=block-halfback,target=$WORK/extra.img"
	guest_does 'while [ ! -e /dev/xvdd ] ; do sleep 0.1 ; done ; echo hello dom0 | dd of=/dev/xvdd bs=512 conv=sync,fsync'
	run "head -n 1 extra.img | tr -d '\\0'"
	grep -q '^hello dom0$' extra.img || die "what the guest has written to its fourth disk is not in the image"
	run "xl block-detach demo xvdd"
	run "xl destroy demo"
	# A domain of which a page is still mapped stays in the list.
	wait_for 10 only_dom0 || die "the guest is still there: $(xl list | tail -n +3)"
	wait_for 10 no_workers || die "a worker outlives its guest: $(pgrep -af '^blkback: dom')"
	run "xl list"
	[ "$(leftovers)" = "$1" ] || die "in the store or among dom0's event channels something is left: $(leftovers)"
	note "no domain, no mapped grant, no worker, no node, no event channel is left"
}

install_blkback
make_images
before=$(leftovers)
create_guest
read_files
write_blocks
make_filesystem
measure
attach_detach "$before"
echo "verified $verified"
