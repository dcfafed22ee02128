#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on what a captured worker may send to its supervisor; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever packets come, what is no message is refused and no descriptor is left open" \
	"$TOP/tests/fuzz/run" chan 3 "$WORK/fuzz"
