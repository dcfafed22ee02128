#!/bin/bash
# SPDX-License-Identifier: MIT
# A few seconds of libFuzzer on what a screen shares with its guest; `make fuzz` runs it for longer.
. "$(dirname "$0")/../lib.sh"
no_host "$@"
plan 1

ok "whatever a screen's page holds, what passes is within the framebuffer" \
	"$TOP/tests/fuzz/run" fbpage 3 "$WORK/fuzz"
