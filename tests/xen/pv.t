#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A PV guest of stock xl with a stock kernel: verified I/O, flush, discard, a filesystem, a read-only disk.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/disk.sh"
xen_test "$DISK_TESTS"
disk_trial pv
