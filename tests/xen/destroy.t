#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest destroyed in the middle of I/O leaves nothing: no domain, process, node, port; and its image is free.

. "$(dirname "$0")/lib.sh"
xen_test 9
export GUEST_FIO=1
disk=$(image disk 32M)
blkback_start
before=$(leftovers)
for type in pv pvh; do
	ok "a $type guest is created" guest_create g $type "vdev=xvda,access=rw,target=$disk"
	ok "and works hard" guest_load g --runtime=60
	ok "xl destroys it" xl destroy g
	# A domain with a page still mapped stays in the list as (null).
	ok "no domain, no worker is left" wait_for 10 eval 'only_dom0 && no_workers'
done
is "$(leftovers)" "$before" "no node and no port either"
