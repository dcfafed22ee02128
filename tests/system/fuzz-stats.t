#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on what a captured worker may write as its statistics; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever a statistics file holds, halfback shows text and numbers in their form" \
	"$TOP/tests/fuzz/run" stats 3 "$WORK/fuzz"
