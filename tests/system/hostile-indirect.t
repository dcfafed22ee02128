#!/bin/bash
# SPDX-License-Identifier: MIT
# Indirect requests no honest frontend sends: each gets its due, copied or mapped, and a neighbour's disk never notices.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 30

blkback_start --queues=2 --persistent
guest_create g "vdev=xvda,target=$(image a.img 4M)" "vdev=xvdb,access=ro,target=$(image ro.img 4M)" >/dev/null
guest_create good "vdev=xvda,target=$(image good.img 16M)" >/dev/null
neighbour_start good --bs=128k

hostile() {
	timeout 60 xloop exec g -- "$BUILD/tests/blkhostile" "$@" 2>>"$WORK/hostile.err"
}
maps() {
	xloop stats --json 0 | jq .maps
}

bad=(i-no-segments i-257-segments i-512-segments i-65535-segments i-barrier i-flush i-reserved i-discard i-indirect i-unknown
	i-bad-page i-huge-page i-reserved-page i-ring-page i-first-after-last i-last-8 i-last-255 i-bad-ref i-huge-ref
	i-past-end i-sector-wraps i-bytes-wrap)
fine=(i-good i-1-segment i-256-segments i-write i-other-pages i-over-itself i-beyond-list i-data-is-ring i-at-end good)
due=$(printf '%s -1\n' "${bad[@]}" && printf '%s 0\n' "${fine[@]}")

before=$(maps)
for how in "" --persistent; do
	for abi in 64 32; do
		for order in 0 4; do
			on="on $((1 << order)) pages, $abi bits${how:+, persistent}"
			is "$(hostile xvda $how --abi=$abi --ring-order=$order "${bad[@]}" "${fine[@]}")" "$due" "each request gets its due $on"
			is "$(hostile xvda $how --abi=$abi --ring-order=$order i-each-bad good)" $'i-each-bad 0-wrong-of-512\ngood 0' \
				"256 segments and one of them bad, among good ones, $on"
			is "$(hostile xvda $how --abi=$abi --ring-order=$order i-flip i-good padding)" \
				$'i-flip answered\ni-good 0\npadding clean' "lists that change while they are read, $on"
		done
	done
done
is "$(hostile xvdb i-good i-write i-good)" $'i-good 0\ni-write -1\ni-good 0' "a read-only disk is not written"
is "$(hostile xvda --readonly-grants i-good i-write)" $'i-good -1\ni-write 0' "pages granted read-only are only read"
is "$(hostile xvda --persistent --readonly-grants i-good i-write)" $'i-good -1\ni-write 0' "nor if they shall stay mapped"
is "$(maps)" "$before" "no page stays mapped"
like "$(cat "$XLOOP_DIR/blkback.log")" "refused: " "the log says why some were refused"
ok "the neighbour never noticed" neighbour_well good
