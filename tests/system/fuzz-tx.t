#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on the slots and frames that a guest sends; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever slots and frames hold, what passes is within bounds and of the guest" \
	"$TOP/tests/fuzz/run" tx 3 "$WORK/fuzz"
