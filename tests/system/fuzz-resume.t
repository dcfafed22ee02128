#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on the files by which a device outlives its worker and its supervisor; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever the files hold, only two whole ones of this device and of each other are gone on with" \
	"$TOP/tests/fuzz/run" resume 3 "$WORK/fuzz"
