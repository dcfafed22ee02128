#!/bin/bash
# SPDX-License-Identifier: MIT
# blkback in a driver domain, whose quotas in xenstored are used up: nodes, then watches.  What is served is served on; what
# needs a new node or watch is told in one sentence, and works when there is room again.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 16

guest_create dd >/dev/null
guest_create g >/dev/null
guest_create other >/dev/null
dd() { # COMMAND...: in the driver domain
	xloop exec dd -- "$@"
}
BE=/local/domain/1/backend/vbd
xloop exec dd -- "$BUILD/blkback" >"$XLOOP_DIR/blkback.log" 2>&1 &
BLKBACK_PID=$!
wait_for 10 grep -q 'serving vbd3' "$XLOOP_DIR/blkback.log"
own() { # PATH OWNER [READER]: what is made below has the same rights
	xenstore-exists "$1" || xenstore-write "$1" ""
	xenstore-chmod "$1" "n$2" ${3:+"r$3"}
}
disk_make() { # DOMID DEVID IMAGE: as libxl makes it for a backend in domain 1
	local be=$BE/$1/$2 fe
	fe=$(fe_dir "$1" "$2")
	own "$fe" "$1" 1
	xenstore-write "$fe/backend" "$be" "$fe/backend-id" 1 "$fe/virtual-device" "$2" "$fe/state" 1
	own "$BE" 1
	own "$BE/$1" 1
	own "$be" 1 "$1"
	xenstore-write "$be/frontend" "$fe" "$be/frontend-id" "$1" "$be/online" 1 "$be/params" "$3" "$be/mode" w \
		"$be/type" phy "$be/device-type" disk "$be/discard-enable" 1 "$be/dev" xvdz
	xenstore-write "$be/state" 1
}
disk_make 3 51712 "$(image other.img 16M)"
vbd_state 3 51712 2
neighbour_start other
disk_make 2 51712 "$(image a.img 16M)"
ok "a driver domain serves a disk" xloop exec g -- blkload --dev=xvda --rw=randrw --verify --ios=500
vbd_state 2 51712 6
rss=$(rss_kib "$BLKBACK_PID")
fds=$(fds_of "$BLKBACK_PID")

# ---- nodes
fill() { # until there is no room for another
	local i k
	for ((i = 0; i < 60; i++)); do
		# shellcheck disable=SC2046 # words
		dd xenstore-write $(printf "data/fill-$i/%d x " {1..40}) 2>/dev/null || break
	done
	for ((k = 0; k < 45; k++)); do
		dd xenstore-write "data/fill-$i/last-$k" x 2>/dev/null || return 0
	done
	return 1
}
ok "the domain's quota of nodes is used up" fill
truncate -s 8M "$WORK/b.img"
disk_make 2 51728 "$WORK/b.img"
ok "a new disk is not offered, and the log says why" wait_for 10 grep -q \
	"vbd 51728 of guest 2: can't go to state 2 (InitWait): this domain's quota in xenstored is used up; raise it" "$XLOOP_DIR/blkback.log"
ticks() {
	awk '{ print $14 + $15 }' "/proc/$BLKBACK_PID/stat"
}
before=$(ticks)
read -rt 2 <> <(:) || :
ok "blkback does not try for ever ($(($(ticks) - before)) of 200 ticks)" [ $(($(ticks) - before)) -lt 20 ]
# One that was connected before has its nodes: it connects, or waits for a journal's.
xloop exec g -- blkload --dev=xvda --rw=randrw --verify --runtime=100 --json >"$WORK/again" 2>&1 &
again=$!
read -rt 2 <> <(:) || :
kill -9 "$(worker_of 3)"
ok "a disk goes on after its worker's death" wait_for 10 worker_of 3
is "$(xenstore-read "$BE/3/51712/state")" 4 "  without a node more"
for n in {0..30}; do
	dd xenstore-rm "data/fill-$n" 2>/dev/null
done
xenstore-write "$BE/2/51728/online" 1 "$(fe_dir 2 51728)/state" 1
ok "with room again the new disk is offered" vbd_state 2 51728 2
ok "  and works" xloop exec g -- blkload --dev=xvdb --rw=randrw --verify --ios=500
ok "a disk that connected meanwhile is Connected" vbd_state 2 51712 4
kill $again
wait $again
is "$? $(jq -c '[.errors, .verify_errors, .verified > 0]' "$WORK/again")" "0 [0,0,true]" "  and lost nothing"

# ---- watches
watches=()
watch() { # NAME...: one process that has them, or says that there is no room
	xloop exec dd -- xenstore-watch "$@" >"$WORK/watch.out" 2>"$WORK/watch.err" &
	watches+=($!)
	wait_for 5 grep -qr . "$WORK/watch.out" "$WORK/watch.err"
}
for n in {1..3}; do
	# shellcheck disable=SC2046 # words
	watch $(printf "data/watch-$n-%d " {1..40})
done
n=0
until [ -s "$WORK/watch.err" ] || [ $n -eq 40 ]; do
	n=$((n + 1))
	watch "data/watch-$n"
done
ok "the domain's quota of watches is used up" [ -s "$WORK/watch.err" ]
truncate -s 8M "$WORK/c.img"
disk_make 2 51744 "$WORK/c.img"
ok "a disk that comes now works, if slower" xloop exec g -- blkload --dev=xvdc --rw=randrw --verify --ios=500
ok "  and the log says why" grep -q "vbd 51744 of guest 2: can't watch its frontend: this domain's quota in xenstored is used up; raise it" \
	"$XLOOP_DIR/blkback.log"
kill "${watches[@]}" 2>/dev/null
wait "${watches[@]}"

ok "blkback has not grown" [ "$(rss_kib "$BLKBACK_PID")" -lt $((rss + 4096)) ]
is "$(fds_of "$BLKBACK_PID")" "$fds" "no descriptor is left open"
ok "another guest's disk worked all the time" neighbour_well other
