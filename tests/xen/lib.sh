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
# Each look costs dom0 a process or two, and the guest that is waited for runs on the same emulated processor.
WAIT_STEP=0.3

# xen_test PLAN: a clean scratch directory, and an end that leaves nothing behind for the next test.
xen_test() {
	WORK=/scratch/$(basename "$0" .t)
	mkdir -p "$WORK"
	plan "$1"
	trap xen_test_end EXIT
}

# What a daemon has logged from the start of this test on.
daemon_log() { # DAEMON
	[ ! -e "$LOG/$1.log" ] || sed -n "\\|^--- $0|,\$p" "$LOG/$1.log"
}

blkback_log() {
	daemon_log blkback
}

# That, what they do now, and the consoles of the test's guests.
xen_show_logs() {
	local log
	for log in blkback netback pvfb; do
		diag "--- $log.log"
		diag "$(daemon_log $log | tail -n 40)"
	done
	# shellcheck disable=SC2009 # pgrep can't say what a thread waits for
	diag "$(ps -eLo pid,ppid,lwp,stat,wchan:24,args | grep -E '(blkback|netback|pvfb)( |:)|halfback-dm')"
	for log in "$LOG"/guest-*.log; do
		[ -s "$log" ] || continue
		diag "--- ${log##*/}"
		diag "$(tail -n 40 "$log")"
	done
}

xen_test_end() {
	local name
	if [ $tap_failed -gt 0 ] || [ $tap_count -ne $tap_plan ]; then
		xen_show_logs
	fi
	for name in $(xl list | awk 'NR > 1 && $2 > 0 { print $1 }'); do
		xl destroy "$name"
	done
	! declare -F net_end >/dev/null || net_end
	! declare -F fb_end >/dev/null || fb_end
	rm -f "$LOG"/guest-*.log
	test_end
}

blkback_start() {
	echo "--- $0" >>"$LOG/blkback.log"
	# shellcheck disable=SC2086 # options
	"${BLKBACK:-$BUILD/blkback}" -v ${BLKBACK_OPTIONS:-} "$@" >>"$LOG/blkback.log" 2>&1 &
	BLKBACK_PID=$!
}

# guest_config NAME pv|pvh [DISK...]: a disk without script= gets ours.  GUEST_VCPUS, GUEST_FIO=1,
# GUEST_MEM, GUEST_VIF (a NIC), GUEST_IPERF=1 (iperf3 and ethtool), GUEST_INITRD (one of the test's own).
guest_config() {
	local name=$1 type=$2 disk initrd=$BUILD/guest.cpio memory=${GUEST_MEM:-256}
	shift 2
	if [ -n "${GUEST_FIO:-}" ]; then
		initrd=/scratch/guest-fio.cpio
		memory=${GUEST_MEM:-512}
		[ -e $initrd ] || cat "$BUILD/guest.cpio" "$BUILD/fio.cpio" >$initrd
	fi
	if [ -n "${GUEST_IPERF:-}" ]; then
		initrd=/scratch/guest-iperf.cpio
		[ -e $initrd ] || cat "$BUILD/guest.cpio" "$BUILD/iperf.cpio" >$initrd
	fi
	initrd=${GUEST_INITRD:-$initrd}
	{
		echo "name='$name'"
		echo "type='$type'"
		# In QEMU's nested SVM no other tsc_mode works, and a vCPU that changes processors dies.
		[ "$type" = pv ] || printf "%s\n" "tsc_mode='native'" "cpus='0'" "on_reboot='destroy'"
		echo "memory=$memory"
		echo "vcpus=${GUEST_VCPUS:-1}"
		echo "kernel='$BUILD/vmlinux'"
		echo "ramdisk='$initrd'"
		echo "cmdline='console=hvc0 quiet mitigations=off panic=1'"
		[ -z "${GUEST_VIF:-}" ] || echo "vif=['$GUEST_VIF']"
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

guest_ready() { # NAME TIMES
	[ "$(grep -c 'guest is ready' "$(console_of "$1")")" -ge "$2" ]
}

# guest_boot NAME [TIMES]: waits for a guest that was started, for the TIMESth time since guest_create.
guest_boot() {
	wait_for 90 guest_ready "$1" "${2:-1}"
}

guest_silent_death() { # NAME
	[ ! -s "$(console_of "$1")" ] && ! xl domid "$1" >/dev/null 2>&1
}

guest_ready_or_dead() {
	guest_ready "$1" 1 || guest_silent_death "$1"
}

# A PVH guest may die in QEMU's nested SVM before its kernel's first line: that, and only that, is tried again.
guest_create() { # NAME pv|pvh [DISK...]
	local config tries=3
	config=$(guest_config "$@")
	while true; do
		: >"$(console_of "$1")"
		xl create "$config" || return 1
		wait_for 90 guest_ready_or_dead "$1"
		if ! guest_silent_death "$1" || [ $((--tries)) -eq 0 ]; then
			break
		fi
		echo "# guest $1 died before its kernel's first line; starting it again" >>"$XEN_RESULTS/tap"
	done
	guest_boot "$1"
}

# guest_run NAME COMMAND: runs a shell command line in the guest, prints what it printed, returns its status.
# GUEST_TIMEOUT: seconds it may take.
guest_run() {
	local name=$1 log tty from mark="end-$RANDOM-$RANDOM"
	shift
	log=$(console_of "$name")
	tty=$(xenstore-read "/local/domain/$(xl domid "$name")/console/tty") || return 125
	from=$(stat -c %s "$log")
	# Newlines would be commands of their own; the split mark is no end where a console echoes it.
	printf '%s\n' "{ ${*//$'\n'/ } ; } ; echo \"${mark%?}\"\"${mark: -1} status \$?\"" >"$tty"
	wait_for "${GUEST_TIMEOUT:-120}" grep -q "^$mark status" "$log" || return 124
	tail -c "+$((from + 1))" "$log" | tr -d '\r' | sed "/^$mark status/,\$d"
	return "$(tr -d '\r' <"$log" | sed -n "s/^$mark status //p")"
}

# guest_load NAME [fio option...]: starts verified I/O in the guest and leaves it running; guest_load_end tells
# how it went.
guest_load() {
	local name=$1
	shift
	guest_run "$name" "rm -f /tmp/load.rc ; { fio --name=load --ioengine=libaio --direct=1 --filename=/dev/xvda --rw=randwrite
		--bs=16k --iodepth=8 --size=4m --verify=crc32c --verify_fatal=1 --time_based --runtime=10 $*
		>/tmp/load 2>&1 ; echo \$? >/tmp/load.rc ; } & true" >/dev/null || return 1
	# Its start takes seconds in emulation; what follows is to hit it at work.
	# shellcheck disable=SC2016 # for the guest's shell
	guest_run "$name" 'old=$(cat /sys/block/xvda/stat) ;
		while [ "$old" = "$(cat /sys/block/xvda/stat)" ] && [ ! -e /tmp/load.rc ] ; do sleep 0.2 ; done ;
		[ ! -e /tmp/load.rc ] || { cat /tmp/load ; false ; }'
}

guest_load_end() { # NAME
	# shellcheck disable=SC2016 # for the guest's shell
	guest_run "$1" 'while [ ! -e /tmp/load.rc ] ; do sleep 0.2 ; done ; rc=$(cat /tmp/load.rc) ; [ "$rc" = 0 ] || cat /tmp/load ;
		( exit "$rc" )'
}

# rounds TIMES COMMAND: runs it with the number of each round, until one fails.
rounds() {
	local i
	for i in $(seq "$1"); do
		"$2" "$i" || {
			echo "in round $i"
			return 1
		}
	done
}

# guest_writes NAME DISK IMAGE TEXT: waits for the disk, writes the text to its start, and finds it in the image.
guest_writes() {
	guest_run "$1" "while [ ! -e /dev/$2 ] ; do sleep 0.1 ; done ;
		echo $4 | dd of=/dev/$2 bs=512 conv=sync,fsync 2>/dev/null" || return 1
	head -n 1 "$3" | grep -qx "$4"
}

# How many of a domain's pages somebody has mapped by grants, as the hypervisor tells.
grants_of() { # DOMID
	xl dmesg -c >/dev/null
	xl debug-keys g
	wait_for 10 grants_told || return 1
	xl dmesg | awk -v domain="remote d$1 " '/grant-table for remote/ { mine = index($0, domain) } mine && /\[0x/ { n++ } END { print n + 0 }'
}

grants_told() {
	xl dmesg | grep -q 'gnttab_usage_print_all \] done'
}

only_dom0() {
	[ "$(xl list | wc -l)" -eq 2 ]
}

no_workers() {
	! pgrep -f '^blkback: dom' >/dev/null
}

# The store's nodes of disks, and dom0's event channels: what guests must not leave behind.
leftovers() {
	xenstore-ls -f | grep -E '/(vbd|vbd3)/|/error/' | sed 's/ = .*//'
	lsevtchn 0 | grep -c 'Interdomain'
}
