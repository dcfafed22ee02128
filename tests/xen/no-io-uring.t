#!/bin/bash
# SPDX-License-Identifier: MIT
#
# All that pv.t asks for, of a blkback without io_uring: dom0's kernel waits by epoll and does I/O by libaio.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/disk.sh"
xen_test $((DISK_TESTS + 2))
export BLKBACK_OPTIONS=--no-io-uring
disk_trial pv
is "$(blkback_log | grep -c 'disks are served by libaio')" 1 "the log says so"
is "$(find "/proc/$BLKBACK_PID/fd" -lname '*io_uring*' | wc -l)" 0 "and it is so"
