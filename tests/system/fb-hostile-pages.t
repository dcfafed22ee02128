#!/bin/bash
# SPDX-License-Identifier: MIT
# A framebuffer of which a page, or a page of its directory, is none of the guest's: at each index, and whatever stands there.
# Its screen is refused with a sentence, nothing of it stays mapped, and the neighbour's worker is the one that it was.
#
# shellcheck disable=SC2016 # single quotes: for eval
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vfb.sh"
in_network "$@"
in_host "$@"
plan 11

maps() { # of dom0: frames by number are counted apart
	xloop stats --json 0 | jq -c '[.maps, .ports]'
}
# refused SENTENCE FBPLAY-OPTION...: false, and told, if it is not
refused() {
	local want=$1
	shift
	if timeout 20 xloop exec g -- fbplay --no-keyboard "$@" >/dev/null 2>&1; then
		diag "was not refused: $*"
		return 1
	fi
	[[ $(vfb_error 2) =~ $want ]] || {
		diag "$*: $(vfb_error 2)"
		return 1
	}
}
# each SENTENCE OPTION FIRST LAST FBPLAY-OPTION...
each() {
	local want=$1 option=$2 first=$3 last=$4 n failed=0
	shift 4
	for n in $(seq "$first" "$last"); do
		refused "$want" "$option=$n" "$@" || failed=$((failed + 1))
	done
	return $failed
}

beside_start

directory="directory is none of the guest's" frame="page of its framebuffer is none of the guest's"
ok "each of 6 pages of a directory, 64 bits" each "$directory" --bad-directory 1 6 --bytes=$((12 << 20))
ok "each of 3 pages of a directory, 32 bits" each "$directory" --bad-directory 1 3 --bytes=$((12 << 20)) --abi=32
ok "each of 12 pages of a framebuffer" each "$frame" --bad-frame 1 12 --bytes=$((12 * 4096)) --size=100x100
ok "its last page, and those at the seams of directories" eval 'each "$frame" --bad-frame 512 513 --bytes=$((5 << 20)) &&
	each "$frame" --bad-frame 1280 1280 --bytes=$((5 << 20))'
ok "none of them the last one of the guest's memory, or beyond" eval 'for value in 16384 0xffffff 0x10000000000000 \
	0x8000000000000000 0xffffffffffffffff; do refused "$frame" --bad-frame=3 --bad-value=$value || exit 1; done'
ok "as pages of a directory, too" eval 'for value in 16384 0xffffff 0x10000000000000 0x8000000000000000 0xffffffffffffffff; do
	refused "$directory" --bad-directory=1 --bad-value=$value || exit 1; done'
before=$(maps)
refused "$frame" --bad-frame=100
is "$(maps)" "$before" "nothing stays mapped or bound"
play_start g
ok "then the guest has a screen as any" same_picture g
play_end g
ok "as has the other one" same_picture other
is "$(worker_of 1)" "$neighbour" "with the worker that it had"
is "$(log_count "ended by signal|ended with status")" 0 "no worker died"
play_end other
