#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest's disk as an NBD export: stock tools work on it unmodified, and the image holds what they wrote.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 16

blkback_start
disk=$(image disk.img 64M)
guest_create g "vdev=xvda,target=$disk" "vdev=xvdb,access=ro,target=$(image ro.img 1M)" >/dev/null
cd "$WORK" || exit 1
export WORK

nbd() { # COMMAND [PLUGIN-PARAMETER...]
	local run=$1
	shift
	xloop exec g -- nbdkit -U - "$BUILD/nbdkit-xenblk-plugin.so" dev=xvda "$@" --run "$run"
}

# shellcheck disable=SC2016
{
	nbd 'nbdinfo --json "$uri"' >info.json
	is "$(jq '.exports[0]["export-size"]' info.json)" 67108864 "nbdinfo tells the size"
	is "$(jq -c '.exports[0] | [.is_read_only, .can_flush, .can_fua, .can_trim, .can_multi_conn]' info.json)" \
		"[false,true,true,true,true]" "and what the disk can do"
	is "$(jq -c '.exports[0] | .block_size_minimum' info.json)" 512 "down to sectors"

	head -c 64M /dev/urandom >random
	ok "nbdcopy writes the disk" nbd 'nbdcopy "$WORK/random" "$uri"'
	ok "the image is the same" cmp random "$disk"
	ok "nbdcopy reads the disk" nbd 'nbdcopy "$uri" "$WORK/back"' ring-order=4
	ok "and gets the same" cmp random back
	ok "through the 32-bit ring, too" nbd 'nbdcopy "$uri" "$WORK/back"' ring-order=0 abi=32
	ok "still the same" cmp random back

	qemu-img create -q -f qcow2 image.qcow2 64M
	qemu-io -f qcow2 -c 'write -P 0x5a 1M 3M' -c 'write -P 0xa5 60M 4M' image.qcow2 >/dev/null
	ok "qemu-img converts onto the disk" nbd 'qemu-img convert -n -O raw "$WORK/image.qcow2" "$uri"'
	ok "qemu-img finds no difference" nbd 'qemu-img compare "$WORK/image.qcow2" "$uri"'
	ok "nor in the image itself" qemu-img compare -F raw image.qcow2 "$disk"

	ok "fio writes at random and verifies" nbd 'fio --name=v --ioengine=nbd --uri="$uri" --rw=randwrite --bs=4k \
		--iodepth=16 --size=32M --verify=crc32c --verify_fatal=1 --output=/dev/null'
	ok "fio mixes block sizes, over the 32-bit ring" nbd 'fio --name=v --ioengine=nbd --uri="$uri" --rw=randrw \
		--bsrange=512-256k --iodepth=8 --size=32M --verify=crc32c --verify_fatal=1 --output=/dev/null' abi=32
	ok "an unaligned request works through nbdkit's filter" nbd 'qemu-io -f raw -c "write -P 7 1000 77" -c "read -P 7 1000 77" "$uri"' \
		--filter=blocksize minblock=512
	is "$(xloop exec g -- nbdkit -U - "$BUILD/nbdkit-xenblk-plugin.so" dev=xvdb --run 'nbdinfo --is read-only "$uri" && echo yes')" \
		yes "a read-only disk is exported read-only"
}
