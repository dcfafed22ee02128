#!/bin/bash
# SPDX-License-Identifier: MIT
# Disks of kind vbd3, as Xen 4.19 makes them for backendtype=tap, beside one of kind vbd of the same guest.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 7

blkback_start
xloop create "$(guest_config g "vdev=xvda,target=$(image a.img 4M)")" >/dev/null
g=$(domid_of g)
BE=/local/domain/0/backend/vbd3
vbd_make "$g" 51728 "aio:$(image b.img 4M)" type=vbd3
ok "a vbd3 disk is offered" vbd_state "$g" 51728 2
ok "verified I/O runs on it" xloop exec g -- blkload --dev=xvdb --rw=randrw --verify --qd=8 --runtime=0.3
ok "and on the vbd disk of the same number of sectors" xloop exec g -- blkload --dev=xvda --rw=randrw --verify --qd=8 --runtime=0.3
is "$(xenstore-read $BE/"$g"/51728/sectors)" 8192 "its size is in its own directory"
is "$(pgrep -P "$BLKBACK_PID" | wc -l)" 1 "one worker serves both kinds"
vbd_make "$g" 51744 "aio:$WORK/none" type=vbd3
ok "one without an image is refused" wait_for 10 xenstore-exists "/local/domain/0/error/backend/vbd3/$g/51744/error"
vbd_remove "$g" 51728
ok "a removed one lets its image go" wait_for 10 flock --exclusive --nonblock "$WORK/b.img" true
