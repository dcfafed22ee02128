#!/bin/bash
# SPDX-License-Identifier: MIT
#
# One round of bench/xen.sh, inside dom0: attaches the same image to a guest as xvda through one backend after another.
# Each has to give back what the one before it has written, then fio in the guest measures.  A line of JSON for each
# measurement goes to $XEN_RESULTS/out/rounds.
#
# usage: bench/xen-dom0.sh VCPUS ROUND SECONDS CASES (a pattern of case names)
#
# The guest of the first round stays for the others.  Its console is read from the terminal, where reading sleeps: dom0's
# processor time is what is measured, so nothing here may poll while fio runs.

. "$(dirname "$0")/../tests/xen/lib.sh"

VCPUS=$1
ROUND=$2
RUNTIME=$3
CASES=$4
GUEST=bench$VCPUS
SIZE_MIB=64
SHARED_MIB=4 # what each backend writes and the next one reads
STORE=/run/bench
IMG=$STORE/disk.img
WORK=/scratch/bench

die() {
	echo "bench: $1"
	xen_show_logs 2>&1
	exit 1
}

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	[ $? -eq 0 ] && return
	xl destroy "$GUEST" 2>/dev/null
	[ -z "${BLKBACK_PID:-}" ] || blkback_stop
	rmmod xen_blkback 2>/dev/null
}

# A tmpfs, so that the backends are measured and not a disk.
prepare() {
	mkdir -p $WORK $STORE
	if [ ! -e $IMG ]; then
		mount -t tmpfs -o size=$((SIZE_MIB + 4))m bench $STORE || die "can't mount a tmpfs on $STORE"
		dd if=/dev/urandom of=$IMG bs=1M count=$SIZE_MIB status=none || die "can't write $IMG"
		truncate -s 1M $STORE/idle.img
		insmod "$BUILD/loop.ko" || die "can't load the kernel's loop driver"
	fi
	SUM=$(head -c ${SHARED_MIB}M $IMG | md5sum)
}

# ---- the guest ----

# xl starts a QEMU only for a guest that is created with a disk of it: that one is attached all the time and never
# used, so all four run beside it.
create() {
	local config
	export GUEST_FIO=1 GUEST_VCPUS=$VCPUS
	config=$(guest_config "$GUEST" pv)
	sed -i "s|^disk=\[|&'format=raw,vdev=xvdz,access=r,backendtype=qdisk,target=$STORE/idle.img'|" "$config"
	: >"$(console_of "$GUEST")"
	xl create "$config" >/dev/null 2>$WORK/xl.log || die "can't create the guest: $(cat $WORK/xl.log)"
	guest_boot "$GUEST" || die "the guest does not start"
}

# /tmp/mark in the guest tells the interrupts of its disks so far, and waits until dom0 has noted its own figures.
guest() {
	xl domid "$GUEST" >/dev/null 2>&1 || create
	exec {CONSOLE}<>"$(xenstore-read "/local/domain/$(xl domid "$GUEST")/console/tty")"
	# shellcheck disable=SC2016 # for the guest's shell
	ask 'printf "%s\n" "#!/bin/sh" "awk \"/ blkif\\$/ { for (i = 2; i <= NF - 3; i++) n += \\\$i } END { print \\\"at\\\", n + 0 }\"
		/proc/interrupts >/dev/hvc0" "read go </dev/hvc0" >/tmp/mark ; chmod 755 /tmp/mark ; fio --version' ||
		die "the guest has no fio: $ANSWER"
}

# ask COMMAND: runs it in the guest.  ANSWER is what it printed; MARKS has a line for each mark: the time, then as far
# as used by now dom0's processor seconds, the guest's, dom0's interrupts, the guest's.
ask() {
	local mark="end-$RANDOM-$RANDOM" line
	# Newlines would be commands of their own.
	printf '%s\n' "{ ${1//$'\n'/ } ; } 2>&1 ; echo $mark \$?" >&"$CONSOLE"
	ANSWER=
	MARKS=
	while read -r -t 60 line <&"$CONSOLE"; do
		line=${line%$'\r'}
		case $line in
		"$mark "*)
			return "${line#* }"
			;;
		"at "*)
			MARKS+="$EPOCHREALTIME $(cpu_seconds) $(backend_events) ${line#at }"$'\n'
			echo >&"$CONSOLE"
			;;
		*)
			ANSWER+=$line$'\n'
			;;
		esac
	done
	return 124
}

# Xen's own account of dom0, which is its kernel, its interrupts, its programs; and of the guest.
cpu_seconds() {
	xl list | awk -v guest="$GUEST" '{ cpu[$1] = $NF } END { print cpu["Domain-0"], cpu[guest] }'
}

# Interrupts that dom0 took from guests' disks, whoever serves them.
backend_events() {
	awk '/blkif-backend|evtchn:/ && !/xenstored|xenconsoled/ { for (i = 2; i < NF - 2; i++) n += $i }
		END { print n + 0 }' /proc/interrupts
}

# ---- the four contenders ----

attach() { # ENGINE
	local disk="format=raw,vdev=xvda,access=rw"
	case $1 in
	ours)
		blkback_start
		xl block-attach "$GUEST" "$disk,script=block-halfback,target=$IMG"
		;;
	ours-persistent)
		blkback_start --persistent
		xl block-attach "$GUEST" "$disk,script=block-halfback,target=$IMG"
		;;
	kernel)
		insmod "$BUILD/xen-blkback.ko" && xl block-attach "$GUEST" "$disk,target=$IMG"
		;;
	qdisk)
		xl block-attach "$GUEST" "$disk,backendtype=qdisk,target=$IMG"
		;;
	esac || die "can't attach the disk of $1"
}

# Kind vbd is claimed by the kernel's driver as long as that is loaded, and by blkback as long as it runs.
detach() { # ENGINE
	xl block-detach "$GUEST" xvda || die "can't detach the disk of $1"
	ask "while [ -e /dev/xvda ] ; do sleep 0.1 ; done" || die "the disk of $1 does not leave the guest"
	case $1 in
	ours*) blkback_stop ;;
	kernel) rmmod xen_blkback ;;
	esac || die "$1 did not end"
}

read_shared() { # ENGINE
	ask "while [ ! -e /dev/xvda ] ; do sleep 0.1 ; done ; dd if=/dev/xvda bs=1M count=$SHARED_MIB 2>/dev/null | md5sum"
	[ "${ANSWER%$'\n'}" = "$SUM" ] || die "$1 does not give the guest what was written: $ANSWER"
}

write_shared() { # ENGINE
	ask "dd if=/dev/urandom of=/tmp/shared bs=1M count=$SHARED_MIB 2>/dev/null && md5sum </tmp/shared &&
		dd if=/tmp/shared of=/dev/xvda bs=1M conv=fsync 2>/dev/null" || die "the guest can't write through $1"
	SUM=${ANSWER%$'\n'}
}

# ---- what is measured ----

# NAME RW BS QD
cases() {
	local rw qd
	for rw in randread randwrite; do
		for qd in 1 32; do
			echo "xen-blk-$rw-4k-qd$qd-v$VCPUS $rw 4k $qd"
		done
	done
	for rw in read write; do
		[ "$VCPUS" -ne 1 ] || echo "xen-blk-$rw-128k-qd8-v1 $rw 128k 8"
	done
}

chosen() {
	local name rest
	while read -r name rest; do
		# shellcheck disable=SC2053 # a pattern
		[[ $name != $CASES ]] || echo "$name $rest"
	done < <(cases)
}

# One fio for all, as its start takes seconds in emulation, with a mark before each case and after the last one.
# With two virtual CPUs a deep queue is fed from both.
fio_command() {
	local name rw bs qd jobs mark="--name=mark --stonewall --exec_prerun=/tmp/mark --ioengine=null --time_based=0 --size=4k"
	echo "fio --name=global --filename=/dev/xvda --ioengine=libaio --direct=1 --thread --group_reporting --norandommap
		--randrepeat=0 --time_based --runtime=$RUNTIME --output-format=terse --terse-version=3 --eta=never"
	while read -r name rw bs qd; do
		jobs=1
		[ "$qd" -eq 1 ] || jobs=$VCPUS
		echo "$mark --name=$name --stonewall --rw=$rw --bs=$bs --iodepth=$((qd / jobs)) --numjobs=$jobs"
	done < <(chosen)
	echo "$mark"
}

# What dom0 and the guest use anyway, in microseconds per second; asking Xen for it included.
idle() {
	ask "/tmp/mark ; sleep $RUNTIME ; /tmp/mark" || die "the guest does not answer"
	IDLE=$(awk 'NF { t[++n] = $1; dom0[n] = $2; guest[n] = $3 }
		END { s = (t[2] - t[1]) / 1e6; printf "%d %d", (dom0[2] - dom0[1]) / s, (guest[2] - guest[1]) / s }' <<<"$MARKS")
}

# evaluate ENGINE: a line of JSON for each case, from the marks around it and fio's terse line, version 3: kilobytes,
# runtime in ms, p50 and p99 of the completion latency, for reads and then for writes.
evaluate() {
	awk -F '[; ]' -v engine="$1" -v round="$ROUND" -v idle="$IDLE" '
		BEGIN { split(idle, anyway, " ") }
		function used(column, per_second) {
			return m[n + 1, column] - m[n, column] - per_second / 1e6 * (m[n + 1, 1] - m[n, 1])
		}
		NR == FNR && NF > 1 { marks++; for (i = 1; i <= NF; i++) m[marks, i] = $i }
		NR != FNR && /^3;fio/ && $3 != "mark" && $5 == 0 {
			n++
			from = $6 ? 6 : 47
			split($3, word, "-")
			bs = word[4] + 0
			ios = $from / bs
			iops = ios / $(from + 3) * 1000
			sub(".*=", "", $(from + 18))
			sub(".*=", "", $(from + 24))
			printf "{\"case\":\"%s\",\"engine\":\"%s\",\"round\":%d,\"ios\":%d,\"iops\":%.1f,\"bandwidth\":%d,", $3, engine,
				round, ios, iops, iops * bs * 1024
			printf "\"p50_us\":%d,\"p99_us\":%d,", $(from + 18), $(from + 24)
			printf "\"cpu_us\":%.1f,\"guest_cpu_us\":%.1f,", used(2, anyway[1]) * 1e6 / ios, used(3, anyway[2]) * 1e6 / ios
			printf "\"notifies_to_backend\":%.4f,\"notifies_to_guest\":%.4f}\n", used(4, 0) / ios, used(5, 0) / ios
		}
		END { exit !n || n + 1 != marks }' <(echo "$MARKS") - <<<"$ANSWER"
}

turn() { # ENGINE
	attach "$1"
	read_shared "$1"
	ask "$(fio_command)" || die "fio failed on $1: $ANSWER"
	evaluate "$1" >$WORK/measured || die "fio's results can't be read: $MARKS$ANSWER"
	cat $WORK/measured >>"$XEN_RESULTS/out/rounds"
	write_shared "$1"
	detach "$1"
	printf 'round %d, %d vCPU  %-15s' "$ROUND" "$VCPUS" "$1"
	sed 's/.*"xen-blk-\([^"]*\)-v.*"iops":\([0-9]*\).*/  \1 \2/' $WORK/measured | tr -d '\n'
	echo
}

if [ $# -ne 4 ]; then
	echo "usage: bench/xen-dom0.sh VCPUS ROUND SECONDS CASES" >&2
	exit 2
fi
# Nothing to measure with so many virtual CPUs.
[ -n "$(chosen)" ] || exit 0
trap cleanup EXIT
prepare
guest
idle
# Each comes first in turn: what drifts during a round then favours nobody.
engines=(ours kernel ours-persistent qdisk)
for i in 0 1 2 3; do
	turn "${engines[(ROUND - 1 + i) % 4]}"
done
[ "$(head -c ${SHARED_MIB}M $IMG | md5sum)" = "$SUM" ] || die "the image does not hold what the last backend wrote"
