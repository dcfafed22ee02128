#!/bin/bash
# SPDX-License-Identifier: MIT
# A read-only disk is opened read-only by everybody who has it, so that no check of ours is the only guard (XSA-142);
# writes, barriers, discards and flushes with data are refused (CVE-2013-2140) and the image stays as it is.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 12

blkback_start
img=$(image disk.img 1M)
xloop create "$(guest_config g "vdev=xvda,target=$img")" >/dev/null
ok "something is written" xloop exec g -- blkload --dev=xvda --rw=write --verify
xloop block-detach g xvda
sum=$(md5sum <"$img")
chmod 444 "$img"
ok "the image is attached read-only" xloop block-attach g "vdev=xvda,access=ro,target=$img"
xloop exec g -- blkload --dev=xvda --hold >"$WORK/hold" 2>&1 &
HOLD=$!
wait_for 10 grep -q connected "$WORK/hold"

# Access modes of the image's descriptors, octal flags' last digit: 0 is O_RDONLY.
modes() { # PID
	local fd
	for fd in "/proc/$1/fd/"*; do
		if [ "$(readlink "$fd")" = "$img" ] || [ "$(stat -Lc %d:%i "$fd" 2>/dev/null)" = "$(stat -c %d:%i "$img")" ]; then
			sed -n 's/^flags:.*\(.\)$/\1/p' "/proc/$1/fdinfo/${fd##*/}"
		fi
	done | sort -u
}
is "$(modes "$(worker_of 1)")" 0 "the worker has it open O_RDONLY only"
is "$(modes "$BLKBACK_PID")" 0 "and so has the supervisor"
is "$(($(backend_node g 51712 info) & 4))" 4 "the guest is told"
not_ok "and is offered no discard" [ "$(backend_node g 51712 feature-discard)" = 1 ]
kill $HOLD
wait $HOLD

out=$(xloop exec g -- "$BUILD/tests/blkhostile" xvda good write barrier flush-with-data flush discard good)
is "$out" "$(printf '%s\n' "good 0" "write -1" "barrier -1" "flush-with-data -1" "flush 0" "discard -1" "good 0")" \
	"only reads and the bare flush pass"
out=$(xloop exec g -- "$BUILD/tests/blkhostile" xvda --abi=32 write discard good)
is "$out" "$(printf '%s\n' "write -1" "discard -1" "good 0")" "on the 32-bit ABI, too"
is "$(md5sum <"$img")" "$sum" "the image is untouched"
ok "and reads back well" xloop exec g -- blkload --dev=xvda --rw=read --verify
not_ok "a load that writes is refused" xloop exec g -- blkload --dev=xvda --rw=write --ios=1
is "$(md5sum <"$img")" "$sum" "the image is still untouched"
