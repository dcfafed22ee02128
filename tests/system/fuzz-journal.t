#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on what a worker takes up from the one before it; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever a worker leaves as its journal, the next one finds each request once, or refuses it" \
	"$TOP/tests/fuzz/run" journal 3 "$WORK/fuzz"
