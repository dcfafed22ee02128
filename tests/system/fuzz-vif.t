#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on the readers of a vif's nodes; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever nodes of a vif hold, each is read once, and what is taken is within bounds" \
	"$TOP/tests/fuzz/run" vif 3 "$WORK/fuzz"
