#!/bin/bash
# SPDX-License-Identifier: MIT
# halfback upgrade: a newly installed blkback takes over the disks of one guest, or of all and the daemon itself, under
# verified I/O.  The guests see state 4 and no error.  A program that can't take over changes nothing.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 47

program=$WORK/blkback
states() {
	local domid
	for domid in 1 2; do
		xenstore-read $BE/$domid/51712/state "$(fe_dir $domid 51712)/state"
	done | xargs
}
goes_on() { # GUEST: requests complete now
	[ "$(halfback stats --json "$1" xvda | jq '.disks[0].total | .read.requests + .write.requests')" -gt 100 ]
}
check_world() { # DAEMON WORKER1 WORKER2: versions
	is "$(program_word "$BLKBACK_PID") $(program_word "$(worker_of 1)") $(program_word "$(worker_of 2)")" "$1 $2 $3" \
		"  blkback and the two workers are of versions $1, $2, $3"
	is "$(states)" "4 4 4 4" "  the disks stay Connected"
	ok "  I/O of g goes on" wait_for 10 goes_on g
	ok "  I/O of h goes on" wait_for 10 goes_on h
}

program_install "$BUILD/blkback" "$program" 1
BLKBACK=$program blkback_start --queues=2 --persistent
qemu-img create -q -f qcow2 "$WORK/c.qcow2" 16M
guest_create g "vdev=xvda,target=$(image a.img 16M)" "vdev=xvdb,target=qcow2:$WORK/c.qcow2" >/dev/null
guest_create h "vdev=xvda,target=$(image b.img 16M)" >/dev/null
LOADS=()
start() { # NAME GUEST DISK OPTION...
	local name=$1 guest=$2 disk=$3
	shift 3
	xloop exec "$guest" -- blkload --dev="$disk" --rw=randrw --verify --runtime=100 --json "$@" \
		>"$WORK/$name.json" 2>"$WORK/$name.err" &
	LOADS+=($!)
}
start one g xvda --qd=32 --queues=2
start two g xvdb --qd=4 --flush-every=20
start three h xvda --qd=8 --persistent --bs=32k
wait_for 10 node_is $BE/1/51712/state 4
wait_for 10 node_is $BE/1/51728/state 4
wait_for 10 node_is $BE/2/51712/state 4
wait_for 10 node_is "$(fe_dir 1 51712)/state" 4
wait_for 10 node_is "$(fe_dir 2 51712)/state" 4
xenstore-watch $BE/1/51712/state $BE/2/51712/state "$(fe_dir 1 51712)/state" "$(fe_dir 2 51712)/state" >"$WORK/watched" &
watch=$!
watches() {
	[ "$(wc -l <"$WORK/watched")" = 4 ]
}
wait_for 5 watches
check_world 1 1 1
fds=$(fds_of "$BLKBACK_PID")

program_install "$BUILD/blkback" "$program" 2
worker=$(worker_of 2)
is "$(halfback upgrade g 2>&1)" "2 disks of this guest go on with the new program" "one guest"
check_world 1 2 1
is "$(worker_of 2)" "$worker" "  the other one has the worker that it had"
killed=$(worker_of 1)
kill -9 "$killed"
wait_for 10 is_gone "$killed"
ok "  one that dies is followed by" wait_for 10 worker_of 1
is "$(program_word "$(worker_of 1)")" 2 "  the new program again"
is "$(halfback upgrade 2 2>&1)" "1 disk of this guest goes on with the new program" "the other one, by its domid"
check_world 1 2 2

program_install "$BUILD/blkback" "$program" 3
is "$(halfback upgrade --all 2>&1)" "3 disks of all guests go on with the new program" "all, and blkback"
check_world 3 3 3
program_install "$BUILD/blkback" "$program" 4
is "$(halfback upgrade --all 2>&1)" "3 disks of all guests go on with the new program" "and once more"
check_world 4 4 4
ok "  which leaves no descriptor open" test "$(fds_of "$BLKBACK_PID")" -le "$fds"

# ---- what can't take over
refused() { # REGEX DESCRIPTION
	local pids said
	pids="$BLKBACK_PID $(worker_of 1) $(worker_of 2)"
	said=$(halfback upgrade --all 2>&1)
	is "$? $BLKBACK_PID $(worker_of 1) $(worker_of 2)" "1 $pids" "$2: everything stays as it is"
	like "$said" "^halfback: .*$program$1" "  with a sentence"
}
rm "$program"
refused ": No such file or directory; nothing was changed" "no program"
printf 'garbage' >"$program"
chmod 755 "$program"
refused " can't take over: it does not start; nothing was changed" "a file that is none"
printf '#!/bin/sh\nsleep 100\n' >"$program"
refused " does not answer; nothing was changed" "one that hangs"
# shellcheck disable=SC2016 # for that shell
printf '#!/bin/sh\nset -- --takes=blkback.0\nexec %s "$@"\n' "$BUILD/blkback" >"$program"
refused " can't take over: it goes on from blkback.*, not from blkback.0; nothing was changed" "one of another format"
program_install "$BUILD/blkback" "$program" 5
said=$(halfback upgrade 77 2>&1)
is "$? $said" "1 halfback: there is no guest 77 whose disks or NICs are served here; halfback list shows them" "a guest that is not there"
not_ok "upgrade without a guest" halfback upgrade
not_ok "upgrade of a guest and of all" halfback upgrade --all g
check_world 4 4 4

kill $watch
is "$(wc -l <"$WORK/watched")" 4 "no state was ever written"
is "$(vbd_error 1 51712)$(vbd_error 1 51728)$(vbd_error 2 51712)" "" "no error is in the store"
rc=0
for pid in "${LOADS[@]}"; do
	kill "$pid"
	wait "$pid" || rc=1
done
is $rc 0 "all loads end well"
is "$(jq -c '[.errors, .verify_errors, .verified > 0]' "$WORK"/{one,two,three}.json | xargs)" "[0,0,true] [0,0,true] [0,0,true]" \
	"every block was verified"
