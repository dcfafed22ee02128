#!/bin/bash
# SPDX-License-Identifier: MIT
# Packets that no honest frontend sends get what Linux' netback gives them: an error, or the end of their device; and
# the guest beside has its network all the time.  The worker lives through all of them.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 12

bridge_make
netback_start --queues=2 --restarts=0
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
beside_start

hostile() { # [OPTION...] CASE...
	timeout 100 xloop exec a -- "$BUILD/tests/nethostile" 0 "$@" 2>"$WORK/err"
}
due() { # DESCRIPTION WANT..., as CASE:RESULT
	local what=$1 pair cases=() want=()
	shift
	for pair; do
		cases+=("${pair%%:*}")
		want+=("${pair%%:*} ${pair#*:}")
	done
	is "$(hostile "${cases[@]}")" "$(printf '%s\n' "${want[@]}")" "$what"
}

due "sizes" good:0 at-page-end:0 size-13:-1 size-0:-1 largest:0 good:0
worker=$(net_worker a)
due "packets over a page's end" across-page:closed across-far:closed second-across:closed good:0
due "numbers of fragments, as Linux counts them" frags-18:0 frags-19:-1 frags-20:-1 frags-21:closed frags-100:closed
due "fragments of a byte, and of none (XSA-423, 432, 448)" tiny-18:0 tiny-14:0 frags-empty:0 second-is-all:0
due "fragments larger than their packet" second-larger:-1 good:0
due "what is announced and does not come" cut-more:closed cut-extra:closed extra-more:closed good:0
due "extras" extra-0:closed extra-6:closed extra-255:closed extra-hash:0 extra-xdp:0
due "GSO" gso:0 gso-0:closed gso-type-0:closed gso-type-9:closed gso-v6-of-v4:-1 gso-no-csum:0 gso-no-ip:-1
due "blank checksums" csum:0 csum-no-ip:-1 csum-cut:-1
due "pages that were not granted (XSA-361, 367)" bad-ref:-1 huge-ref:-1 bad-frag-0:-1 bad-frag-2:-1 bad-frag-4:-1 good:0
is "$(net_worker a)" "$worker" "the worker is the same all the time"
kill $beside
# shellcheck disable=SC2016 # of awk's
ok "and the guest beside lost no packet" awk -F'icmp_seq=' 'NF > 1 { n++; last = $2 + 0 } END { exit !(n > 3 && n == last) }' \
	"$WORK/ping"
