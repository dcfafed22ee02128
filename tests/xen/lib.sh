# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Helpers of the tests on real Xen; they run in dom0 as root (see boot and dom0).  TAP comes from tests/lib.sh.
#
#	#!/bin/bash
#	. "$(dirname "$0")/lib.sh"
#	xen_test 2
#	blkback_start
#	ok "a guest is created" guest_create g pv "vdev=xvda,access=rw,target=$(image disk 64M)"
#	is "$(guest_run g cat /sys/block/xvda/size)" 131072 "and sees its disk"

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

LOG=$XEN_RESULTS/log

# xen_test PLAN: a clean scratch directory, and an end that leaves nothing behind for the next test.
xen_test() {
	WORK=/scratch/$(basename "$0" .t)
	mkdir -p "$WORK"
	plan "$1"
	trap xen_test_end EXIT
}

xen_test_end() {
	local name
	for name in $(xl list | awk 'NR > 1 && $2 > 0 { print $1 }'); do
		xl destroy "$name"
	done
	rm -rf "$WORK"
	XLOOP_DIR=$LOG test_end
}

blkback_start() {
	echo "--- $0" >>"$LOG/blkback.log"
	"$BUILD/blkback" -v "$@" >>"$LOG/blkback.log" 2>&1 &
	BLKBACK_PID=$!
}

# guest_config NAME pv|pvh [DISK...]: a disk without script= gets ours.  GUEST_VCPUS, GUEST_FIO=1, GUEST_MEM.
guest_config() {
	local name=$1 type=$2 disk initrd=$BUILD/guest.cpio memory=${GUEST_MEM:-256}
	shift 2
	if [ -n "${GUEST_FIO:-}" ]; then
		initrd=/scratch/guest-fio.cpio
		memory=${GUEST_MEM:-512}
		[ -e $initrd ] || cat "$BUILD/guest.cpio" "$BUILD/fio.cpio" >$initrd
	fi
	{
		echo "name='$name'"
		echo "type='$type'"
		[ "$type" = pv ] || echo "tsc_mode='native'" # in nested emulation the others don't work
		echo "memory=$memory"
		echo "vcpus=${GUEST_VCPUS:-1}"
		echo "kernel='$BUILD/vmlinux'"
		echo "ramdisk='$initrd'"
		echo "cmdline='console=hvc0 quiet mitigations=off panic=1'"
		echo "disk=["
		for disk; do
			echo "	'format=raw,$(disk_spec "$disk")',"
		done
		echo "]"
	} >"$WORK/$name.cfg"
	echo "$WORK/$name.cfg"
}

# target= swallows the rest of a specification, so script= goes first.
disk_spec() {
	case $1 in
	*script=*) echo "$1" ;;
	*) echo "script=block-halfback,$1" ;;
	esac
}

console_of() {
	echo "$LOG/guest-$1.log"
}

guest_ready() {
	grep -q 'guest is ready' "$(console_of "$1")"
}

# guest_boot NAME: waits for a guest that was started.
guest_boot() {
	wait_for 90 guest_ready "$1"
}

guest_create() {
	local config
	config=$(guest_config "$@")
	: >"$(console_of "$1")"
	xl create "$config" && guest_boot "$1"
}

guest_lines=0

# guest_run NAME COMMAND: runs a shell command line in the guest, prints what it printed, returns its status.
# GUEST_TIMEOUT: seconds it may take.
guest_run() {
	local name=$1 log tty from mark="end-$$-$RANDOM-$((guest_lines++))"
	shift
	log=$(console_of "$name")
	tty=$(xenstore-read "/local/domain/$(xl domid "$name")/console/tty") || return 125
	from=$(stat -c %s "$log")
	# The quotes keep the command's own text, if a console echoes it, from looking like its end.
	printf '%s\n' "{ $* ; } ; echo \"$mark\"\" status \$?\"" >"$tty"
	wait_for "${GUEST_TIMEOUT:-120}" grep -q "^$mark status" "$log" || return 124
	tail -c "+$((from + 1))" "$log" | tr -d '\r' | sed "/^$mark status/,\$d"
	return "$(tr -d '\r' <"$log" | sed -n "s/^$mark status //p")"
}
