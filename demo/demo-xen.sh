#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `make demo-xen`: what `make demo` shows, on a real Xen that QEMU boots, with stock xl and a stock Linux guest.
#
# This half runs on the host: it boots Xen, shows the hypervisor's console until dom0 is up, and then what
# demo-xen-dom0.sh says in dom0, as it comes.  Nothing is installed or changed on this machine; QEMU ends with this
# program, on Ctrl-C too.

set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
cd "$TOP" || exit 1
BUILD=${BUILD:-build}
ROOT=$TOP/build/demo-xen
STEPS=9
BOOT_PID=
XEN_LOG=
partial=
console=
verified=
ended=
moving=

die() {
	printf '\ndemo-xen: %s\n' "$*" >&2
	exit 1
}

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	still
	if [ -n "$BOOT_PID" ]; then
		kill "$BOOT_PID" 2>/dev/null
		wait "$BOOT_PID" 2>/dev/null
	fi
	rm -rf "$ROOT"
}

# ---- what is shown ----

still() {
	[ -z "$moving" ] || printf '\r\033[K'
	moving=
}

show() {
	still
	printf '%s\n' "$*"
}

# Emulation has long moments; on a terminal the seconds tick meanwhile.
tick() {
	[ -t 1 ] || return 0
	printf '\r      %d s' $SECONDS
	moving=1
}

# The lines of Xen's console that tell a reader how far it is; there are a hundred more.
xen_line() {
	case $1 in
	*'Xen version'* | *'CPU Vendor'* | *'System RAM'* | *'Using scheduler'* | *'HVM: '*' enabled'* | *'Brought up'* | \
		*'Building a PV'* | *'Dom0 has maximum'* | *'Serial input'*)
		show "     xen| ${1:0:120}"
		;;
	esac
}

xen_console() {
	local line
	[ -n "$console" ] || {
		[ -e "$XEN_LOG" ] || return 0
		exec {console}<"$XEN_LOG"
	}
	while IFS= read -r -u "$console" line; do
		xen_line "${partial//$'\r'/}${line//$'\r'/}"
		partial=
	done
	partial+=$line
}

# boot speaks of tests, their numbers and their results: a demo is one program, and its exit status is enough.
boot_line() {
	case $1 in
	'# Xen under QEMU'*kvm*) show "      with KVM" ;;
	'# Xen under QEMU'*) show "      in software emulation: no /dev/kvm is needed" ;;
	'# logs in '*) XEN_LOG=${1#\# logs in }/boot-1/log/xen-and-dom0.log ;;
	*' trying once more')
		console=
		show "$1"
		;;
	'dom0 is up after '*)
		XEN_LOG=
		show "      $1"
		;;
	'test '* | '# '*' tests on '*' boots took '* | *' passed, '*' failed') ;;
	'end '*) read -r _ _ ended _ <<<"$1" ;;
	'verified '*) verified=${1#verified } ;;
	*)
		# A demo that failed has said why and shown its logs; only of one that hung the consoles are news.
		case $ended in
		'' | 124 | 137) show "$1" ;;
		esac
		;;
	esac
}

follow() {
	local line rc begun=
	while true; do
		IFS= read -r -t 0.5 -u "$out" line
		rc=$?
		line=$begun$line
		begun=
		[ -z "$XEN_LOG" ] || xen_console
		if [ $rc -eq 0 ]; then
			boot_line "$line"
		elif [ $rc -gt 128 ]; then
			begun=$line
			tick
		else
			return
		fi
	done
}

# ---- the account ----

[ "$(id -u)" -eq 0 ] || die "needs root, to share this machine's files with dom0; run: sudo make demo-xen"
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
rm -rf "$ROOT"
mkdir -p "$ROOT"
make --no-print-directory install BUILD="$BUILD" DESTDIR="$ROOT/root" PREFIX=/usr >"$ROOT/install.log" 2>&1 || {
	cat "$ROOT/install.log" >&2
	die "make install failed"
}
tests/xen/cache || exit 1
cat build/xen-cache/{guest,fio}.cpio >"$ROOT/guest.cpio" || exit 1

cpus=$(nproc)
[ "$cpus" -le 2 ] || cpus=2
printf '\n[1/%d] Xen boots under QEMU, with a Debian dom0\n' $STEPS
exec {out}< <(BUILD=$BUILD XEN_PLAIN=1 XEN_BOOTS=1 XEN_CPUS=$cpus XEN_TIMEOUT=600 exec tests/xen/boot demo/demo-xen-dom0.sh 2>&1)
BOOT_PID=$!
follow
wait "$BOOT_PID"
status=$?
BOOT_PID=
still
case $status,$ended in
0,0) [ -n "$verified" ] || die "it ended well without having verified anything" ;;
1,124 | 1,137) die "it did not end within its time; the consoles are above" ;;
1,?*) exit 1 ;;
2,*) die "Xen did not boot; the consoles are above" ;;
*) die "Xen did not last until the demo's end; why is said above, before the consoles" ;;
esac
printf '\n%d MiB verified, 0 bytes wrong, in %d s.\n' $((verified / 1048576)) $SECONDS
