#!/bin/bash
# SPDX-License-Identifier: MIT
# An NBD server that is killed and started again under verified load: the guest's I/O waits and goes on.  One that stays
# away: errors after the limit, with a line in the log; and I/O works again when it returns.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 17

cd "$WORK" || exit 1
img=$(image disk.img 32M)
SERVER=
server_start() {
	rm -f s.sock
	nbdkit -f -U "$WORK/s.sock" --filter=log file "$img" logfile="$WORK/log" >>nbdkit.log 2>&1 &
	SERVER=$!
}
server_kill() {
	kill -9 "$SERVER"
	wait "$SERVER" 2>/dev/null
}
trap 'server_kill; test_end' EXIT

server_start
wait_for 5 test -S s.sock
blkback_start --nbd-wait=4
guest_create g "vdev=xvda,target=nbd+unix:///?socket=$WORK/s.sock" "vdev=xvdb,target=null:1G" >/dev/null
requests() { # that the server that runs now has been sent
	grep -cE ' (Read|Write) id' log
}
served_more() {
	[ "$(requests)" -gt "$1" ]
}

neighbour_start g --qd=32 --flush-every=100
for round in 1 2 3; do
	ok "round $round: the load runs" wait_for 10 served_more 300
	server_kill
	: >log
	# Long enough for the first new connections to be refused.
	[ $round = 1 ] && wait_for 10 grep -q "can't be reached: .*; trying again each second" "$XLOOP_DIR/blkback.log"
	server_start
	ok "  and goes on with the next server" wait_for 10 served_more 300
done
ok "every block was verified, no error seen" neighbour_well g
wait $NEIGHBOUR
three() {
	[ "$(log_count "$1")" -eq 3 ]
}
ok "the log tells of each loss" wait_for 5 three 'lost its server .*; I/O waits for it'
ok "and of each return" wait_for 5 three 'its server is back; I/O goes on'

# What a server answered and lost: it is written again.
cat >lossy <<'END'
#!/bin/bash
# Writes stay in memory, which is a directory here, until a flush.
case $1 in
thread_model) echo serialize_all_requests ;;
can_write | can_flush) exit 0 ;;
can_multi_conn | can_trim | can_zero) exit 3 ;;
get_size) echo 1048576 ;;
pread) [ -f "$WORK/memory/$4" ] && cat "$WORK/memory/$4" || tail -c +$(($4 + 1)) "$WORK/lossy.img" | head -c "$3" ;;
pwrite) cat >"$WORK/memory/$4" ;;
flush) for f in "$WORK"/memory/*; do [ -f "$f" ] && dd if="$f" of="$WORK/lossy.img" bs=4096 seek=$((${f##*/} / 4096)) \
	conv=notrunc status=none && rm "$f"; done; exit 0 ;;
*) exit 2 ;;
esac
END
chmod +x lossy
mkdir memory
truncate -s 1M lossy.img
export WORK
lossy_start() {
	rm -f l.sock
	nbdkit -f -U "$WORK/l.sock" sh "$WORK/lossy" >>nbdkit.log 2>&1 &
	LOSSY=$!
	wait_for 5 test -S l.sock
}
lossy_start
xloop block-attach g "vdev=xvdc,target=nbd+unix:///?socket=$WORK/l.sock"
head -c 256K /dev/urandom >random
# shellcheck disable=SC2016
xloop exec g -- nbdkit -U - "$BUILD/nbdkit-xenblk-plugin.so" dev=xvdc --run 'nbdcopy --request-size=4096 "$WORK/random" "$uri" &&
	>"$WORK/written" && until [ -e "$WORK/restarted" ]; do sleep 0.1; done && nbdcopy --request-size=4096 "$uri" "$WORK/back"' >out 2>&1 &
load=$!
ok "a server has answered writes" wait_for 20 test -e written
is "$(find memory -type f | wc -l)" 64 "which it has not stored"
kill -9 "$LOSSY"
wait "$LOSSY" 2>/dev/null
rm -f memory/*
lossy_start
: >restarted
wait $load
ok "it dies and forgets them; its successor has them all the same" cmp -n 262144 random back
xloop block-detach g xvdc
kill "$LOSSY"

# Away for longer than --nbd-wait.
: >log
xloop exec g -- blkload --dev=xvda --rw=randread --qd=4 --runtime=60 --json >away.json 2>away.err &
load=$!
wait_for 10 served_more 1000
server_kill
start=$(date +%s%N)
stalled() {
	grep -q "s.sock: its server has been away for 4 s; its guest gets I/O errors until it is back" "$XLOOP_DIR/blkback.log"
}
ok "a server that stays away is given up" wait_for 10 stalled
took=$((($(date +%s%N) - start) / 1000000))
ok "not before the limit of 4 s, and soon after it" [ $took -ge 3900 -a $took -lt 6000 ]
ok "the guest gets errors" wait_for 10 grep -q "read at byte [0-9]* failed: Input/output error" away.err
ok "its other disk works meanwhile" xloop exec g -- blkload --dev=xvdb --rw=randread --ios=1000
: >log
server_start
kill $load 2>/dev/null
wait $load
ok "when it is back, I/O works" wait_for 10 xloop exec g -- blkload --dev=xvda --rw=randwrite --verify --ios=500
