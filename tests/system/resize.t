#!/bin/bash
# SPDX-License-Identifier: MIT
#
# An image that grows under a guest at work: the guest sees the new size without reconnecting and uses the new end,
# whether the image is a file or a block device, noticed or told by the admin; a shrunk one is told in the log, once.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 37

LOOP=
trap '[ -z "$LOOP" ] || losetup -d "$LOOP"; test_end' EXIT

blkback_start --queues=4
file=$(image file.img 8M)
backing=$(image backing.img 8M)
truncate -s 8M "$WORK/ro.img"
LOOP=$(losetup -f --show "$backing")
ok "a guest is created" guest_create g "vdev=xvda,target=$file" "vdev=xvdb,target=$LOOP" "vdev=xvdc,access=ro,target=$WORK/ro.img" \
	"vdev=xvdd,target=$(image idle.img 8M)"
ok "and one that shares an image" guest_create h "vdev=xvdc,access=ro,target=$WORK/ro.img"

M=$((1 << 20))
cd "$WORK" || exit 1
FRONTENDS=()
for disk in xvda xvdb xvdc; do
	frontend_serve g $disk
	FRONTENDS+=("$FRONTEND")
done
frontend_serve h xvdc
FRONTENDS+=("$FRONTEND")

ports=$(frontend_node g 51712 event-channel)
for kind in "xvda file 51712" "xvdb loop 51728"; do
	read -r vdev what devid <<<"$kind"
	frontend_fio g "$vdev" --size=8M --time_based --runtime=5 >"$WORK/$vdev.log" 2>&1 &
	load=$!
	more_copies() {
		[ "$(xloop stats --json g | jq .to.copy_ops)" -gt $((copies + 50)) ]
	}
	copies=$(xloop stats --json g | jq .to.copy_ops)
	wait_for 10 more_copies
	if [ "$what" = file ]; then
		truncate -s 16M "$file"
	else
		truncate -s 16M "$backing"
		losetup -c "$LOOP"
	fi
	ok "$what: grown under verified I/O, the guest sees it" wait_for 5 frontend_size_is g "$vdev" $((16 * M))
	is "$(xenstore-read "$BE/1/$devid/sectors" "$BE/1/$devid/state" | xargs)" "32768 4" "$what: the store has it"
	ok "$what: the new end holds what is written" frontend_fio g "$vdev" --offset=8M --size=8M
	wait $load
	is $? 0 "$what: the I/O meanwhile never failed" || diag "$(cat "$WORK/$vdev.log")"
	like "$(cat "$XLOOP_DIR/blkback.log")" "vbd $devid of guest 1 grew from 16384 to 32768 sectors" "$what: the log tells"
done
is "$(frontend_node g 51712 event-channel)" "$ports" "nothing was connected anew"
ok "the file's new end is in the image" [ "$(stat -c %b "$file")" -gt 16384 ]
ok "the device's, too" cmp -s "$LOOP" "$backing"

dd if=/dev/zero of="$file" bs=1M seek=16 count=1 conv=notrunc status=none
ok "a program that appends to the file is noticed" wait_for 5 frontend_size_is g xvda $((17 * M))
fallocate -l 18M "$file"
ok "so is fallocate" wait_for 5 frontend_size_is g xvda $((18 * M))
# shellcheck disable=SC2016 # perl's own
ok "a truncation by name" perl -e 'truncate($ARGV[0], 24 << 20) or die' "$file"
not_ok "is not" wait_for 0.3 frontend_size_is g xvda $((24 * M))
xenstore-write "$BE/1/51712/resize" 1
ok "but when the admin tells of it" wait_for 5 frontend_size_is g xvda $((24 * M))
mv "$file" "$file.moved"
truncate -s 25M "$file.moved"
ok "nor does the file's name matter" wait_for 5 frontend_size_is g xvda $((25 * M))
truncate -s $((26 * M + 700)) "$file.moved"
left_out() { # it may be a larger sector of the store
	frontend_size_is g xvda $((26 * M)) || frontend_size_is g xvda $((26 * M + 512))
}
ok "half a sector at the end is left out" wait_for 5 left_out

truncate -s 12M "$WORK/ro.img"
both_see() {
	frontend_size_is g xvdc $((12 * M)) && frontend_size_is h xvdc $((12 * M))
}
ok "all guests of a shared image see it" wait_for 5 both_see
xenstore-ls "/local/domain/1/device/vbd/51760" >"$WORK/idle.before"
truncate -s 9M "$WORK/idle.img"
ok "a disk that no guest uses yet" [ "$(xenstore-read "$BE/1/51760/state")" = 2 ]
is "$(xloop exec g -- blkload --dev=xvdd --op=info --json | jq .bytes)" $((9 * M)) "has its new size when it is connected"

xloop exec g -- blkload --dev=xvdd --queues=4 --rw=randrw --qd=16 --verify --size=8M --runtime=2 >"$WORK/queues.log" 2>&1 &
load=$!
wait_for 10 node_is "$BE/1/51760/state" 4
truncate -s 10M "$WORK/idle.img"
ok "a disk of four queues grows, too" wait_node "$BE/1/51760/sectors" 20480
wait $load
is $? 0 "under I/O on each" || diag "$(cat "$WORK/queues.log")"

truncate -s 4M "$file.moved"
shrinks() {
	log_count "file.img shrank to 4194304 bytes: vbd 51712 of guest 1 keeps its [0-9]+, and what lies behind gives errors"
}
shrunk() {
	[ "$(shrinks)" = 1 ]
}
ok "a file that shrinks is told in the log" wait_for 5 shrunk
touch "$file.moved"
xenstore-write "$BE/1/51712/resize" 1
not_ok "the guest keeps its size" frontend_size_is g xvda $((4 * M))
ok "and uses what is there" frontend_fio g xvda --size=4M
is "$(shrinks)" 1 "once"

grown() {
	node_is "$BE/1/51728/sectors" 40960
}
blkback_stop
truncate -s 20M "$backing"
losetup -c "$LOOP"
blkback_start
ok "what grew while blkback was away is seen when it is back" wait_for 10 grown
ok "by the guest, too" wait_for 5 frontend_size_is g xvdb $((20 * M))
ok "whose I/O goes on in it" frontend_fio g xvdb --offset=16M --size=4M
is "$(frontend_node g 51712 event-channel)" "$ports" "and still nothing was connected anew"
switches() {
	awk '/^voluntary_ctxt/ { print $2 }' "/proc/$BLKBACK_PID/status"
}
before=$(switches)
xloop exec g -- true
frontend_fio g xvdb --size=1M >/dev/null
ok "a guest's writes do not wake the supervisor" [ "$(switches)" -eq "$before" ]
kill "${FRONTENDS[@]}"
wait "${FRONTENDS[@]}"
ok "the guests go" xloop destroy g
