#!/bin/bash
# SPDX-License-Identifier: MIT
# An NBD server that comes back with a larger export: the guest sees the new size without reconnecting and uses the new end.
# One that comes back with a smaller one is not the guest's disk; its size stays.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 15

cd "$WORK" || exit 1
M=$((1 << 20))
image a.img 8M >/dev/null
image b.img 8M >/dev/null
declare -A SERVER
server_start() { # NAME
	rm -f "$1.sock"
	nbdkit -f -U "$WORK/$1.sock" file "$WORK/$1.img" >>nbdkit.log 2>&1 &
	SERVER[$1]=$!
	wait_for 5 test -S "$1.sock"
}
server_kill() { # NAME
	kill -9 "${SERVER[$1]}"
	wait "${SERVER[$1]}" 2>/dev/null
}
FRONTEND=
trap 'kill "${SERVER[@]}" $FRONTEND 2>/dev/null; test_end' EXIT

server_start a
server_start b
blkback_start --nbd-wait=4
guest_create g "vdev=xvda,target=nbd+unix:///?socket=$WORK/a.sock" "vdev=xvdb,target=nbd+unix:///?socket=$WORK/b.sock" >/dev/null
frontend_serve g xvda
ok "a disk has the size of its export" frontend_size_is g xvda $((8 * M))
ports=$(frontend_node g 51712 event-channel)

truncate -s 12M a.img
not_ok "a server that does not tell of its new size is not asked" wait_for 1 frontend_size_is g xvda $((12 * M))
frontend_fio g xvda --size=8M --time_based --runtime=5 >load.log 2>&1 &
load=$!
copied() {
	xloop stats --json g | jq .to.copy_ops
}
more() { # than COUNT
	[ "$(copied)" -gt "$1" ]
}
wait_for 10 more $(($(copied) + 200))
server_kill a
truncate -s 16M a.img
server_start a
ok "one that comes back larger under verified I/O: the guest sees it" wait_for 5 frontend_size_is g xvda $((16 * M))
is "$(xenstore-read "$BE/1/51712/sectors" "$BE/1/51712/state" | xargs)" "32768 4" "the store has it"
like "$(cat "$XLOOP_DIR/blkback.log")" "vbd 51712 of guest 1 grew from 16384 to 32768 sectors" "the log tells"
ok "the new end holds what is written" frontend_fio g xvda --offset=8M --size=8M
wait $load
is $? 0 "the I/O meanwhile never failed" || diag "$(cat load.log)"
is "$(frontend_node g 51712 event-channel)" "$ports" "and nothing was connected anew"
ok "the new end is in the export" [ "$(stat -c %b a.img)" -gt 16384 ]

# A disk that no guest uses yet.
server_kill b
truncate -s 10M b.img
server_start b
xloop exec g -- blkload --dev=xvdb --op=hold >hold.log 2>&1 &
hold=$!
ok "what grew before its guest connected is told then" wait_node "$BE/1/51728/sectors" 20480
kill $hold
wait $hold

# Smaller than the guest was told, though larger than at first.
server_kill a
truncate -s 12M a.img
server_start a
smaller() {
	grep -q 'a.sock: lost its server (its export is smaller now than the disk)' "$XLOOP_DIR/blkback.log"
}
ok "one that comes back smaller is not the disk" wait_for 5 smaller
is "$(xenstore-read "$BE/1/51712/sectors")" 32768 "its guest keeps the size"
server_kill a
truncate -s 16M a.img
server_start a
ok "when it is as large again, I/O goes on" frontend_fio g xvda --size=16M
blkback_stop
server_kill a
truncate -s 20M a.img
server_start a
blkback_start
ok "what grew while blkback was away is seen when it is back" wait_for 10 frontend_size_is g xvda $((20 * M))
ok "and used" frontend_fio g xvda --offset=16M --size=4M
