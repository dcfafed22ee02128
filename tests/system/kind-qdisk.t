#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Disks of kind qdisk: served where --kinds names them and halfback-dm, in the place of the guest's QEMU, says that they
# are ours; left alone else, so that a guest that has QEMU keeps it.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 32
BE=/local/domain/0/backend/qdisk

make_qdisk() { # DEVID PARAMS
	vbd_make "$g" "$1" "$2" type=qdisk
}
load() { # VDEV
	xloop exec g -- blkload --dev="$1" --rw=randrw --verify --qd=8 --ios=500
}
# As libxl starts it.
dm_start() {
	halfback-dm -xen-domid "$g" -no-shutdown -chardev "socket,id=libxl-cmd,path=$WORK/qmp,server=on,wait=off" \
		-mon chardev=libxl-cmd,mode=control -chardev "socket,id=libxenstat-cmd,path=$WORK/stat,server=on,wait=off" \
		-nodefaults -xen-attach -name g -display none -machine xenpv -m 64 >>"$WORK/dm.log" 2>&1 &
	DM=$!
}
running() {
	node_is "/local/domain/0/device-model/$g/state" running
}
dm_refuses() {
	: >"$WORK/dm.log"
	dm_start
	wait $DM
	[ $? -eq 1 ] && cat "$WORK/dm.log"
}
# What QMP answers to commands, one line each.
qmp() { # SOCKET COMMAND...
	perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Peer => shift) or die "no socket: $!\n";
		print scalar <$s>;
		my $id = 7;
		for (@ARGV) { print $s qq({"execute":"$_","id":), $id++, "}\n"; print scalar <$s>; }' "$@"
}

like "$(blkback --kinds=vbd,floppy 2>&1)" "takes vbd, vbd3 and qdisk, not 'floppy'" "a kind that is none is named"
like "$(blkback --kinds= 2>&1)" "takes vbd, vbd3 and qdisk" "no kind is none, too"
blkback_start
xloop create "$(guest_config g "vdev=xvda,target=$(image a.img 4M)")" >/dev/null
g=$(domid_of g)
make_qdisk 51728 "aio:$(image b.img 4M)"
: >"$WORK/dm.log"
dm_start
ok "a disk of the guest's other kind works meanwhile" load xvda
wait $DM
is $? 1 "by default no qdisk is served, and halfback-dm does not wait for ever"
like "$(cat "$WORK/dm.log")" "blkback does not take the disks of guest $g; start it with --kinds=vbd,vbd3,qdisk" "but says what to do"
is "$(xenstore-read "$BE/$g/51728/state")" 1 "the disk is untouched"
xenstore-rm "$BE/$g/51728/device-model"
blkback_stop

blkback_start --kinds=qdisk,vbd,vbd,vbd3 -v
ok "with --kinds the others are served on" load xvda
left_alone() {
	[ "$(log_count "qdisk/$g/51728 is left to its device model")" -ge 1 ]
}
ok "a qdisk that nobody marked is left alone" wait_for 5 left_alone
is "$(xenstore-read "$BE/$g/51728/state")" 1 "at state 1"
ok "a guest that has QEMU is created" guest_create q "vdev=xvda,backendtype=qdisk,target=$(image q.img 4M)"
ok "QEMU serves it" xloop exec q -- blkload --dev=xvda --rw=randrw --verify --qd=8 --ios=500
ok "and blkback does not" no_node "$BE/$(domid_of q)/51712/served-by"

dm_start
ok "halfback-dm is running once the disk is taken" wait_for 10 running
is "$(xenstore-read "$BE/$g/51728/state" "$BE/$g/51728/served-by" | xargs)" "2 halfback" "which waits for the guest"
ok "verified I/O runs on it" load xvdb
is "$(xenstore-read "$BE/$g/51728/sectors")" 8192 "with its size"
make_qdisk 51744 "raw:$(image c.img 4M)"
ok "one that is attached later is taken, too" vbd_state "$g" 51744 2
ok "and works" load xvdc

qmp "$WORK/qmp" qmp_capabilities query-chardev query-vnc xen-save-devices-state query-status >"$WORK/answers"
is "$(jq -c '.QMP.version.qemu.major // .return // .error.class' "$WORK/answers" | xargs)" \
	'7 {} [] {enabled:false} CommandNotFound {running:true,singlestep:false,status:running}' "libxl's questions are answered"
is "$(jq -c '.id // empty' "$WORK/answers" | xargs)" "7 8 9 10 11" "each with its number"
is "$(qmp "$WORK/stat" query-block | jq -c '.return // empty')" "[]" "so are those of xentop's library"
perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Peer => shift); print $s "garbage\n"; 1 while <$s>' "$WORK/qmp"
ok "nonsense ends a client" kill -0 $DM
is "$(qmp "$WORK/qmp" query-chardev | jq -c '.return // empty')" "[]" "and no other"

xenstore-write "$BE/$g/51744/online" 0 "$BE/$g/51744/state" 5
ok "a detached disk closes" vbd_state "$g" 51744 6
vbd_remove "$g" 51744
kill -HUP $DM
wait $DM
is $? 0 "xl ends it by a hangup"
ok "the disk is served on" load xvdb

make_qdisk 51760 "aio:$WORK/none"
xenstore-rm "/local/domain/0/device-model/$g"
like "$(dm_refuses)" "halfback-dm: disk 51760 of guest $g: .*none can't be opened for writing: No such file" "an image that can't be is told"
ok "and libxl is not told that all is well" no_node "/local/domain/0/device-model/$g/state"
vbd_remove "$g" 51760
xenstore-write "/local/domain/0/backend/9pfs/$g/0/state" 1
like "$(dm_refuses)" "guest $g has a 9pfs, which only QEMU serves; take it or device_model_override out" "what it can't serve it names"
xenstore-rm "/local/domain/0/backend/9pfs"
like "$(halfback-dm 2>&1)" "is started by xl, with -xen-domid" "started by hand it says by whom it is"
ok "its help is there for xl" halfback-dm -help

ok "guest and QEMU go" xloop destroy q
