#!/bin/bash
# SPDX-License-Identifier: MIT
# Disks come and go while a guest lives; a wrong word is answered by one sentence.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 24

export XLOOP_BACKEND_MS=1000
a=$(image a.img 1M)
b=$(image b.img 1M)
fake_backend_start
guest_create g "vdev=xvda,target=$a" >/dev/null
before=$(xenstore-ls -f / | sed 's/= .*//')

says() { # REGEX COMMAND...: fails with status 1 or 2 and one line that matches
	local regex=$1 out rc
	shift
	out=$("$@" 2>&1)
	rc=$?
	like "$rc:$(echo "$out" | wc -l):$out" "^[12]:1:.*$regex" "$*"
}

ok "a disk is attached" xloop block-attach g "vdev=xvdb,access=ro,target=$b"
like "$(xloop block-list g)" "xvdb +51728 +1 +2 +r +$b" "and listed"
says "has a disk xvdb already" xloop block-attach g "vdev=xvdb,target=$a"
ok "a disk is detached" xloop block-detach g xvdb
is "$(xenstore-ls -f / | sed 's/= .*//')" "$before" "and the store is as before"
ok "attach by the guest's number and an extended name" xloop block-attach 1 "vdev=xvdaa,target=$b"
is "$(backend_node g 268442112 params)" "$b" "its number is the extended one"
ok "detach by the disk's number" xloop block-detach 1 268442112

says "there is no guest \"nobody\"" xloop block-attach nobody "vdev=xvdb,target=$b"
says "is dom0" xloop destroy 0
says "no disk xvdq" xloop block-detach g xvdq
says "\"sheep\" is not a virtual disk" xloop block-detach g sheep
says "\"sheep\" is not a virtual disk" xloop block-attach g "vdev=sheep,target=$b"
says "format qcow2 is not served; convert" xloop block-attach g "format=qcow2,vdev=xvdb,target=$b"
says "driver domain" xloop block-attach g "vdev=xvdb,backend=dd,target=$b"
says "no verb \"frob\"" xloop frob
says "not inside a private host" env -u XLOOP_DIR xloop list
says "KEY=VALUE" xloop create "$WORK/g.cfg" nonsense
says "cannot read.*No such file" xloop create "$WORK/none.cfg"
says "guest \"g\" already, number 1" xloop create "$WORK/g.cfg"
says "cannot name a guest" xloop create "$WORK/g.cfg" name=12

# A backend that does not answer the removal.
fake_backend_stop
says "did not close within 1000 ms, its state is 5; .--force" xloop block-detach g xvda
out=$(xloop block-detach --force g xvda 2>&1)
like "$out" "removing it all the same" "--force waits, complains and removes"
ok "the disk is gone from the store" no_node /local/domain/0/backend/vbd/1/51712
