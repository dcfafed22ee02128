#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on the parser of requests; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever a slot holds, what passes is within bounds" \
	"$TOP/tests/fuzz/run" request 3 "$WORK/fuzz"
