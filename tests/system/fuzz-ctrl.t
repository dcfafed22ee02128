#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on the messages of a control ring; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever messages say, hashes stay those that packets can be steered by" \
	"$TOP/tests/fuzz/run" ctrl 3 "$WORK/fuzz"
