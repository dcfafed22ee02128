#!/bin/bash
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # single quotes: for the guests' shells
#
# Ten times the workers of two guests are killed, in two of these blkback, too; then one is upgraded, and all: the guests
# see no other state and no error.  One verifies its blocks, the other one's tree of files is whole and its filesystem clean.

. "$(dirname "$0")/lib.sh"
xen_test 14
tree=$(image tree 64M)

worker_of() { # GUEST
	pgrep -P "$BLKBACK_PID" -f "^blkback: dom $(xl domid "$1") "
}
restart() {
	wait "$BLKBACK_PID" 2>/dev/null
	blkback_start --restarts=0
}
kill_round() { # ROUND
	local workers
	sleep "$((RANDOM % 2)).$((RANDOM % 10))"
	# Both are there: the last round is over.
	wait_for 30 worker_of verified && wait_for 30 worker_of tree || return 1
	mapfile -t workers < <(worker_of verified && worker_of tree)
	case $1 in
	3) kill -9 "$BLKBACK_PID" && restart ;; # the workers end by themselves
	6) kill -9 "$BLKBACK_PID" "${workers[@]}" && restart ;;
	11) program_install "$BUILD/blkback" "$BLKBACK" 2 && halfback upgrade tree ;;
	12) program_install "$BUILD/blkback" "$BLKBACK" 3 && halfback upgrade --all ;;
	*) kill -9 "${workers[@]}" ;;
	esac
}
states() {
	local guest domid
	for guest in verified tree; do
		domid=$(xl domid $guest)
		echo "/local/domain/$domid/device/vbd/51712/state" "/local/domain/0/backend/vbd/$domid/51712/state"
	done
}

BLKBACK=$WORK/blkback
program_install "$BUILD/blkback" "$BLKBACK" 1
blkback_start --restarts=0
GUEST_FIO=1 guest_create verified pv "vdev=xvda,access=rw,target=$(image disk 32M)" >/dev/null 2>&1 &&
	guest_create tree pv "vdev=xvda,access=rw,target=$tree" >/dev/null 2>&1
is $? 0 "two guests are created"
ok "one verifies what it writes" guest_load verified --runtime=60
ok "the other one makes a filesystem" guest_run tree '/usr/sbin/mke2fs -q -t ext4 /dev/xvda && mount -t ext4 /dev/xvda /mnt'
guest_run tree '{ i=0 ; cd /mnt ; while [ ! -e /tmp/enough ] ; do
	i=$((i + 1)) ; dir=$((i % 7))/$i ; mkdir -p $dir &&
	dd if=/dev/urandom of=$dir/file bs=4k count=$((i % 30 + 1)) 2>/dev/null && md5sum $dir/file >/tmp/sum || break ;
	if [ $((i % 6)) = 5 ] ; then rm -r $dir ; else cat /tmp/sum >>/tmp/sums ; fi ; [ $((i % 5)) != 0 ] || sync ;
	done ; cd / ; echo $i >/tmp/tree ; } & true' >/dev/null
# shellcheck disable=SC2046 # four words
xenstore-watch $(states) >"$WORK/states" &
watch=$!
wait_for 10 eval '[ $(wc -l <"$WORK/states") -eq 4 ]'

rounds 12 kill_round >"$WORK/rounds" # not below ok: that is a subshell, and blkback ours to wait for
is "$? $(xargs <"$WORK/rounds")" "0 1 disk of this guest goes on with the new program 2 disks of all guests go on with the new program" \
	"ten times the workers are killed, once blkback, once all of them, and two upgrades"
wait_for 30 worker_of verified && wait_for 30 worker_of tree
is "$(program_word "$BLKBACK_PID") $(program_word "$(worker_of verified)") $(program_word "$(worker_of tree)")" "3 3 3" \
	"all processes are the new program"
ok "verified I/O did not fail" guest_load_end verified
guest_run tree 'touch /tmp/enough ; while [ ! -e /tmp/tree ] ; do sleep 0.2 ; done' >/dev/null
ok "the tree has grown ($(guest_run tree 'wc -l </tmp/sums') files)" guest_run tree '[ $(wc -l </tmp/sums) -gt 20 ]'
ok "its files are whole" guest_run tree 'umount /mnt && echo 3 >/proc/sys/vm/drop_caches && mount -t ext4 /dev/xvda /mnt && cd /mnt &&
	md5sum -c /tmp/sums && cd / && umount /mnt'
ok "its filesystem is clean" e2fsck -fn "$tree"
is "$(guest_run verified 'dmesg | grep -ciE "I/O error|blkfront.*(reconnect|suspend)"') $(guest_run tree \
	'dmesg | grep -ciE "I/O error|blkfront.*(reconnect|suspend)|EXT4-fs.*err"')" "0 0" "the guests' kernels saw no error"
kill $watch
# shellcheck disable=SC2046
is "$(xenstore-read $(states) | xargs)" "4 4 4 4" "all states are 4"
is "$(wc -l <"$WORK/states")" 4 "and were never written"
is "$(xenstore-ls -f | grep -c '/error/')" 0 "no error is in the store"
ok "the disks went on each time" [ "$(blkback_log | grep -c 'goes on')" -ge 20 ]
