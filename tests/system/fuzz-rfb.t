#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on what viewers send; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever a viewer says, its messages are told apart in any pieces" \
	"$TOP/tests/fuzz/run" rfb 3 "$WORK/fuzz"
