#!/bin/bash
# SPDX-License-Identifier: MIT
# Who uses an image for writing uses it alone: other programs' locks, other guests, QEMU; readers may share.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 21

blkback_start
xloop create "$(guest_config g)" >/dev/null
xloop create "$(guest_config h)" >/dev/null
img=$(image disk.img 1M)
devid=0

# An open file description lock of the whole file, as QEMU takes them; waits to be killed.
ofd_lock() { # F_RDLCK|F_WRLCK
	perl -MFcntl=:DEFAULT -e '
		open(my $f, "+<", $ARGV[0]) or die;
		my $type = $ARGV[1] eq "write" ? F_WRLCK : F_RDLCK;
		fcntl($f, 37, pack("s s x4 q q i x4", $type, 0, 0, 0, 0)) or die "F_OFD_SETLK: $!";
		open(my $up, ">", "$ARGV[0].up");
		sleep 1000' "$img" "$1" &
	HOLDER=$!
	wait_for 5 test -e "$img.up"
	rm -f "$img.up"
}

release() {
	kill "$HOLDER"
	wait "$HOLDER" 2>/dev/null
}

try() { # DOMID WANTED-STATE MODE WHAT
	devid=$((devid + 1))
	vbd_make "$1" $devid "$img" mode="$3"
	ok "$4" vbd_state "$1" $devid "$2"
}

# Until somebody's lock stands against ours.
is_locked() {
	! flock -n -x "$img" true
}

flock -F -x "$img" sleep 1000 &
HOLDER=$!
wait_for 5 is_locked
try 1 6 w "an image that another program locked by flock is refused"
like "$(vbd_error 1 $devid)" "disk.img is locked by another program" "  and the sentence says so"
try 1 6 r "for reading, too"
release
flock -F -s "$img" sleep 1000 &
HOLDER=$!
wait_for 5 is_locked
try 1 6 w "a shared flock stands against writing"
try 1 2 r "and not against reading"
release
vbd_remove 1 $devid

ofd_lock write
try 1 6 w "a write lock as QEMU's is respected"
like "$(vbd_error 1 $devid)" "disk.img is locked by another program" "  and the sentence says so"
try 1 6 r "for reading, too"
release
ofd_lock read
try 1 6 w "a read lock stands against writing"
try 1 2 r "and not against reading"
release
vbd_remove 1 $devid

try 1 2 w "an image is taken for writing"
like "$(not_locked() { flock -n "$img" true && echo free; }; not_locked)" "^$" "and another program's flock meets it"
not_ok "so does qemu-img" qemu-img resize -f raw "$img" 2M
try 2 6 w "another guest cannot have it"
like "$(vbd_error 2 $devid)" "disk.img is in use by guest g \(domain 1, vbd [0-9]+\); detach it there first" \
	"  and the sentence names who has it"
try 2 6 r "not for reading either"
try 1 6 w "nor the same guest once more"
vbd_remove 1 $((devid - 3))
vbd_free() {
	flock -n "$img" true
}
ok "it is free when the disk is detached" wait_for 5 vbd_free

try 1 2 r "two guests"
try 2 2 r "may share it for reading"
try 1 6 w "but then nobody may write it"
