#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on the messages to the loopback's hv; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever messages come, hv answers or ends the connection, and keeps nothing of those that are gone" \
	"$TOP/tests/fuzz/run" hv 3 "$WORK/fuzz"
