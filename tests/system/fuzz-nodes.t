#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on the readers of a frontend's and a toolstack's nodes; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever nodes hold, each is read once, and what is taken is within bounds" \
	"$TOP/tests/fuzz/run" nodes 3 "$WORK/fuzz"
