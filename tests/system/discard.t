#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Discards, as each store has them: what the guest is told of them, what they give back, and what they leave alone.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 53

LOOPS=()
BACK=$(mktemp -d "${TMPDIR:-/var/tmp}/halfback-discard.XXXXXX")
cleanup() {
	local dev
	[ -z "${part:-}" ] || delpart "$whole" 1
	[ -z "${max:-}" ] || echo "$max" >"/sys/class/block/${plain#/dev/}/queue/discard_max_bytes"
	for dev in "${LOOPS[@]}"; do
		losetup -d "$dev"
	done
	rm -rf "$BACK"
}
trap 'cleanup; test_end' EXIT
loop_make() { # NAME OPTION...: 16 MiB without a hole; DEV names it
	local file=$BACK/$1
	shift
	head -c 16M /dev/zero | tr '\0' x >"$file"
	DEV=$(losetup -f --show "$@" "$file") || return 1
	LOOPS+=("$DEV")
}
sysfs() { # DEV KEY
	cat "/sys/class/block/${1#/dev/}/$2"
}
loop_make plain && plain=$DEV
loop_make four --sector-size 4096 && four=$DEV
loop_make whole && whole=$DEV
# A partition that starts in the middle of a discardable block.
addpart "$whole" 1 9 8192
part=${whole}p1
head -c 16M /dev/zero | tr '\0' x >"$BACK/file"

blkback_start
xloop create "$(guest_config g "vdev=xvda,target=$BACK/file" "vdev=xvdb,target=$plain" "vdev=xvdc,target=$four" \
	"vdev=xvdd,target=$part" "vdev=xvde,no-discard,target=$(image no.img 1M)" "vdev=xvdf,access=ro,target=$(image ro.img 1M)")" \
	>/dev/null
# Its answer to the nodes: feature, granularity, alignment, secure.
told() { # DEVID
	local key
	xloop exec g -- blkload --dev="$1" --op=info >/dev/null
	for key in feature-discard discard-granularity discard-alignment discard-secure; do
		xenstore-read "$BE/1/$1/$key" 2>/dev/null || echo -
	done | xargs
}
discard() { # VDEV OFFSET SIZE
	xloop exec g -- blkload --dev="$1" --op=discard --offset="$2" --size="$3"
}
used() { # FILE: KiB
	sync "$BACK/$1"
	du -k "$BACK/$1" | cut -f1
}
zeros() { # FILE OFFSET SIZE
	cmp -s -i "$2:0" -n "$3" "$BACK/$1" /dev/zero
}
kept() { # FILE OFFSET SIZE
	[ "$(dd if="$BACK/$1" iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none | tr -d x | wc -c)" -eq 0 ]
}
M=$((1 << 20))

is "$(told 51712)" "1 $(stat -f -c %S "$BACK") 0 0" "a file: holes of its filesystem's blocks"
is "$(told 51728)" "1 $(sysfs "$plain" queue/discard_granularity) $(sysfs "$plain" discard_alignment) 0" "a device: what the kernel says"
is "$(told 51744)" "1 $(sysfs "$four" queue/discard_granularity) $(sysfs "$four" discard_alignment) 0" "one of 4096-byte sectors, too"
is "$(told 51760)" "1 $(sysfs "$whole" queue/discard_granularity) $(sysfs "$part" discard_alignment) 0" \
	"a partition: the whole device's, and where the first block is"
ok "which is not at its start" [ "$(sysfs "$part" discard_alignment)" -gt 0 ]
is "$(told 51776)" "0 - - -" "without the admin's leave: nothing"
is "$(told 51792)" "0 - - -" "nor on a read-only disk"
not_ok "where nothing was offered it is refused" discard xvde 0 4096
not_ok "on a read-only disk, too" discard xvdf 0 4096

for disk in "xvda file" "xvdb plain"; do
	read -r vdev file <<<"$disk"
	before=$(used "$file") # less what its filesystem then needs to know the hole
	ok "$vdev: 4 MiB are discarded" discard "$vdev" 1M 4M
	ok "$vdev: and given back" [ "$(used "$file")" -le $((before - 4080)) ]
	ok "$vdev: they read as zeros" zeros "$file" $M $((4 * M))
	ok "$vdev: what lies before is kept" kept "$file" 0 $M
	ok "$vdev: and what lies behind" kept "$file" $((5 * M)) $((11 * M))
	ok "$vdev: sectors that are no block are taken" discard "$vdev" $((8 * M + 512)) 12288
	ok "$vdev: and none but they are touched" kept "$file" $((8 * M)) 512
	ok "$vdev: on either side" kept "$file" $((8 * M + 512 + 12288)) $M
done

before=$(used four)
ok "4096-byte sectors: a discard of parts of them is taken" discard xvdc $((M + 512)) $((4 * M))
ok "the whole ones are given back" [ "$(used four)" -le $((before - 4080)) ]
ok "the first is kept" kept four $M 4096
ok "the last, too" kept four $((5 * M)) $M
ok "a discard within one is taken" discard xvdc $((8 * M + 512)) 1024
ok "and does nothing" kept four $((8 * M)) $M

ok "a partition: all of it is discarded" discard xvdd 0 4M
ok "its data are gone" zeros whole $((9 * 512 + 4096)) $((4 * M - 8192))
ok "but nothing before it" kept whole 0 $((9 * 512))
ok "and nothing behind it" kept whole $((9 * 512 + 4 * M)) $M

# A loop device keeps this beyond its file, so it is put back at the end.
max=$(($(sysfs "$plain" queue/discard_max_bytes) / 4096 * 4096))
echo 65536 >"/sys/class/block/${plain#/dev/}/queue/discard_max_bytes"
before=$(used plain)
ok "more than the device takes at once is discarded" discard xvdb 9M 4M
ok "wholly" [ "$(used plain)" -le $((before - 4080)) ]

# Discards beside other I/O of the same disk and of the same thread.
threads() { # of blkback's workers, less the kernel's
	ps -eLo pid,comm --no-headers | awk -v pid="$(worker_of 1)" '$1 == pid && $2 !~ /^iou-/' | wc -l
}
none_for_discards() {
	[ "$(threads)" -le "$before" ]
}
neighbour_start g --size=4M
xloop exec g -- blkload --dev=xvdc --ios=1 >/dev/null
before=$(threads)
for at in 5 6 7 8 9 10 11 12; do
	discard xvdc ${at}M 1M >/dev/null || break
done
is "$at" 12 "discards of one disk"
ok "do no harm to another" neighbour_well g
xloop exec g -- blkload --dev=xvdc --rw=randrw --verify --size=1M --ios=500 >"$WORK/after" 2>&1
is $? 0 "nor to the disk itself" || diag "$(cat "$WORK/after")"
ok "detached, its thread ends" xloop block-detach g xvdc
ok "with the disk" wait_for 5 none_for_discards

# The flag of a secure discard: on a disk that has none it is a discard as any other.
flagged() { # VDEV SECTOR SECTORS FLAG
	xloop exec g -- "$BUILD/tests/blkdiscard" "$@"
}
gone() { # FILE OFFSET SIZE: was erased securely
	[ "$(dd if="$BACK/$1" iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none | tr -d '\356' | wc -c)" -eq 0 ]
}
is "$(flagged xvdb 28672 2048 1)" 0 "a secure discard is a discard where it was not offered"
ok "and gives back what it covers" zeros plain $((14 * M)) $M
blkback_stop
export ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0
LD_PRELOAD=$BUILD/tests/secure_erase.so blkback_start
is "$(told 51728)" "1 $(sysfs "$plain" queue/discard_granularity) 0 1" "a device that can is said to"
is "$(told 51712)" "1 $(stat -f -c %S "$BACK") 0 0" "a file can't"
is "$(flagged xvdb 30720 1024 1)" 0 "a secure discard of it"
ok "erases the data" gone plain $((15 * M)) $((M / 2))
is "$(flagged xvdb 31744 512 0)" 0 "one without the flag"
ok "does not" zeros plain $((15 * M + M / 2)) $((M / 4))
xloop block-attach g "vdev=xvdc,target=$four"
is "$(flagged xvdc 28673 8 1)" -1 "of half a 4096-byte sector it is an error"
ok "and nothing is erased" kept four $((14 * M)) 8192
is "$(flagged xvda 8 8 1)" 0 "on a file the flag means nothing"
