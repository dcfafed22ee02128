#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on what browsers send; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever a browser sends, it is answered, and its frames are the same in any pieces" \
	"$TOP/tests/fuzz/run" web 3 "$WORK/fuzz"
