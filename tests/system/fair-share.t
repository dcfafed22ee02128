#!/bin/bash
# SPDX-License-Identifier: MIT
# Guests that storm, with events and with requests that are refused, do not starve another guest (XSA-332), and cost
# blkback no more than their own worker's time.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 6

blkback_start
xloop create "$(guest_config bad "vdev=xvda,target=null:1G" "vdev=xvdb,target=null:1G")" >/dev/null
xloop create "$(guest_config good "vdev=xvda,target=$(image good.img 16M)")" >/dev/null
measure() {
	xloop exec good -- blkload --dev=xvda --rw=randread --qd=4 --runtime=1 --json 2>/dev/null | jq '.read.ios'
}
xloop exec good -- blkload --dev=xvda --rw=write --verify >/dev/null 2>&1
alone=$(measure)
xloop exec bad -- "$BUILD/tests/blkhostile" xvda storm-on >/dev/null 2>&1 &
one=$!
xloop exec bad -- "$BUILD/tests/blkhostile" xvdb refused-on >/dev/null 2>&1 &
two=$!
wait_for 10 node_is "$BE/1/51712/state" 4
wait_for 10 node_is "$BE/1/51728/state" 4
beside=$(measure)
ok "a guest keeps a share of two CPUs beside two storms ($beside of $alone reads)" [ "$beside" -gt $((alone / 20)) ]
ok "the storm is still on" kill -0 $one
ok "the other one, too" kill -0 $two
ok "the log is short" [ "$(log_count 'refused')" -le 6 ]
kill $one $two
wait $one $two 2>/dev/null
ok "the good guest's data are right" xloop exec good -- blkload --dev=xvda --rw=read --verify
ok "the bad guest's disks close and connect again" xloop exec bad -- blkload --dev=xvda --ios=100
