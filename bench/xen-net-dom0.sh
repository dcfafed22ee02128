#!/bin/bash
# SPDX-License-Identifier: MIT
#
# One round of bench/xen.sh's NICs, inside dom0: two guests on a bridge get a NIC each from one backend after another,
# and iperf3 measures guest to dom0 (g2h), dom0 to guest (h2g) and guest to guest (g2g).  A line of JSON for each
# measurement goes to $XEN_RESULTS/out/net-rounds.
#
# usage: bench/xen-net-dom0.sh VCPUS ROUND SECONDS CASES (a pattern of case names)
#
# A guest has as many queues as virtual CPUs, and TCP as many streams.  The script is Xen's own vif-bridge for both
# backends.  The guests of the first round stay for the others; while iperf3 runs, nothing here polls (see xen-dom0.sh).

. "$(dirname "$0")/../tests/xen/lib.sh"
. "$(dirname "$0")/../tests/xen/net.sh"

VCPUS=$1
ROUND=$2
RUNTIME=$3
CASES=$4
WORK=/scratch/bench-net
declare -A CONSOLE=()

die() {
	echo "bench: $1"
	xen_show_logs 2>&1
	exit 1
}

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	local rc=$? n
	[ -z "${SERVER:-}" ] || kill "$SERVER"
	[ $rc -eq 0 ] && return
	for n in 1 2; do
		xl destroy "net$VCPUS$n" 2>/dev/null
	done
	[ -z "${NETBACK_PID:-}" ] || netback_stop
	rmmod xen_netback 2>/dev/null
}

prepare() {
	mkdir -p $WORK
	if ! ip link show xenbr0 >/dev/null 2>&1; then
		net_install
		ip link add xenbr0 type bridge
		ip addr add 10.0.0.1/24 dev xenbr0
		ip link set xenbr0 up
	fi
	iperf3 -s >>"$LOG/iperf.log" 2>&1 &
	SERVER=$!
}

# ask N COMMAND: runs it in guest N; ANSWER is what it printed.
ask() {
	local mark="end-$RANDOM-$RANDOM" line fd=${CONSOLE[$1]}
	# Newlines would be commands of their own.
	printf '%s\n' "{ ${2//$'\n'/ } ; } 2>&1 ; echo $mark \$?" >&"$fd"
	ANSWER=
	while read -r -t 60 line <&"$fd"; do
		line=${line%$'\r'}
		case $line in
		"$mark "*) return "${line#* }" ;;
		*) ANSWER+=$line$'\n' ;;
		esac
	done
	return 124
}

guests() {
	local n fd
	export GUEST_VCPUS=$VCPUS
	for n in 1 2; do
		if ! xl domid "net$VCPUS$n" >/dev/null 2>&1; then
			GUEST_VIF='' guest_create "net$VCPUS$n" pv >/dev/null 2>$WORK/xl.log || die "can't create a guest: $(cat $WORK/xl.log)"
		fi
		exec {fd}<>"$(xenstore-read "/local/domain/$(xl domid "net$VCPUS$n")/console/tty")"
		CONSOLE[$n]=$fd
		ask "$n" "pidof iperf3 >/dev/null || iperf3 -s -D" || die "the guest has no iperf3: $ANSWER"
	done
}

attach() { # ENGINE
	local n
	case $1 in
	ours) netback_restart --queues="$VCPUS" ;;
	kernel) insmod "$BUILD/xen-netback.ko" ;;
	esac || die "can't start $1"
	for n in 1 2; do
		xl network-attach "net$VCPUS$n" "mac=00:16:3e:00:0$VCPUS:0$n" bridge=xenbr0 script=/etc/xen/scripts/vif-bridge ||
			die "can't attach the NIC of $1"
		ask "$n" "while [ ! -e /sys/class/net/eth0 ] ; do sleep 0.1 ; done ; ip link set eth0 up ; ip addr add 10.0.0.1$n/24 dev eth0 ;
			for i in 1 2 3 4 5 6 7 8 9 ; do ping -c 1 -W 1 10.0.0.1 >/dev/null && break ; done ; ls -d /sys/class/net/eth0/queues/tx-* | wc -l" ||
			die "the guest can't use the NIC of $1: $ANSWER"
		[ "${ANSWER//[$'\n ']/}" = "$VCPUS" ] || die "the NIC of $1 has not $VCPUS queues: $ANSWER"
	done
}

# Kind vif is claimed by the kernel's driver as long as that is loaded, and by netback as long as it runs.
detach() { # ENGINE
	local n
	for n in 1 2; do
		xl network-detach "net$VCPUS$n" 0 || die "can't detach the NIC of $1"
		ask "$n" "while [ -e /sys/class/net/eth0 ] ; do sleep 0.1 ; done" || die "the NIC of $1 does not leave the guest"
	done
	case $1 in
	ours) netback_stop ;;
	kernel) rmmod xen_netback ;;
	esac || die "$1 did not end"
}

# Xen's own account of dom0, in seconds.
cpu_seconds() {
	xl list | awk '$1 == "Domain-0" { print $NF }'
}

measure() { # ENGINE CASE DIRECTION
	local to=10.0.0.1 options="-t $RUNTIME -P $VCPUS -f k" before kbits
	case $3 in
	h2g) options+=" -R" ;;
	g2g) to=10.0.0.12 ;;
	esac
	before=$(cpu_seconds)
	ask 1 "iperf3 -c $to $options" || die "$2 failed on $1: $ANSWER"
	kbits=$(awk -v many="$VCPUS" '/receiver/ && (many == 1 || /SUM/) { for (i = 2; i <= NF; i++) if ($i ~ /^Kbits/) print $(i - 1) }' <<<"$ANSWER")
	[ -n "$kbits" ] || die "$2 gave no result on $1: $ANSWER"
	awk -v name="$2" -v engine="$1" -v round="$ROUND" -v kbits="$kbits" -v seconds="$RUNTIME" -v before="$before" \
		-v after="$(cpu_seconds)" 'BEGIN { printf "{\"case\":\"%s\",\"engine\":\"%s\",\"round\":%d,\"iops\":%d,\"cpu_us\":%.1f}\n",
		name, engine, round, kbits * 1000, (after - before) * 1e6 / (kbits / 1000 * seconds) }' >>"$XEN_RESULTS/out/net-rounds"
	printf '  %s %s Mbit/s' "$3" $((kbits / 1000))
}

chosen() { # CASE
	# shellcheck disable=SC2053 # a pattern
	[[ $1 == $CASES ]]
}

turn() { # ENGINE
	local way
	attach "$1"
	printf 'round %d, %d vCPU  NIC of %-8s' "$ROUND" "$VCPUS" "$1"
	for way in g2h h2g g2g; do
		! chosen "xen-net-tcp-$way-q$VCPUS" || measure "$1" "xen-net-tcp-$way-q$VCPUS" $way
	done
	echo
	detach "$1"
}

if [ $# -ne 4 ]; then
	echo "usage: bench/xen-net-dom0.sh VCPUS ROUND SECONDS CASES" >&2
	exit 2
fi
chosen "xen-net-tcp-g2h-q$VCPUS" || chosen "xen-net-tcp-h2g-q$VCPUS" || chosen "xen-net-tcp-g2g-q$VCPUS" || exit 0
trap cleanup EXIT
prepare
guests
# Each comes first in turn: what drifts during a round then favours nobody.
engines=(ours kernel)
for i in 0 1; do
	turn "${engines[(ROUND - 1 + i) % 2]}"
done
