#!/bin/bash
# SPDX-License-Identifier: MIT
# Images that are not what they are said to be, or that name other files: refused with one sentence, nothing read.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../vbd.sh"
in_host "$@"
plan 38

cd "$WORK" || exit 1
mkdir bases other
blkback_start --allow-backing="$WORK/bases"
guest_create g "vdev=xvda,target=$(image good.img 1M)" >/dev/null
neighbour_start g

refused() { # TARGET REGEX WHAT
	local out rc start
	start=$(date +%s%N)
	out=$(xloop block-attach g "vdev=xvdb,target=$1" 2>&1)
	rc=$?
	is $rc 1 "$3 is refused, soon" && [ $((($(date +%s%N) - start) / 1000000)) -lt 5000 ]
	like "$out" "$2" "  with a sentence" || diag "$out"
}
qemu-img create -q -f qcow2 good.qcow2 8M
qemu-io -f qcow2 -c 'write -P 7 0 8M' good.qcow2 >/dev/null

refused "qcow2:$WORK/good.img" "good.img is in use by guest g .domain 1, vbd 51712." "an image that is in use"
truncate -s 1M raw.img
refused "qcow2:$WORK/raw.img" "raw.img is no qcow2 image that can be served: Image is not in qcow2 format" "a raw image"
head -c 100 good.qcow2 >cut.qcow2
refused "qcow2:$WORK/cut.qcow2" "cut.qcow2 is no qcow2 image that can be served: " "a qcow2 cut within its header"
head -c 70000 good.qcow2 >cut2.qcow2
refused "qcow2:$WORK/cut2.qcow2" "cut2.qcow2 is damaged or cut off" "a qcow2 cut within its tables"
head -c 4000000 good.qcow2 >cut3.qcow2
refused "qcow2:$WORK/cut3.qcow2" "cut3.qcow2 is damaged or cut off; see qemu-img check" "a qcow2 cut within its data"
cp good.qcow2 corrupt.qcow2
printf '\377\377\377\377\377\377\377\377' | dd of=corrupt.qcow2 bs=1 seek=40 conv=notrunc status=none # l1_table_offset
refused "qcow2:$WORK/corrupt.qcow2" "corrupt.qcow2 is no qcow2 image that can be served: .*L1 table" "a corrupt header"
head -c 64K /dev/urandom >noise
for format in vhd vmdk qed; do
	refused "$format:$WORK/noise" "noise is no .* image that can be served: " "noise as $format"
done
refused "qcow2:$WORK/none" "none can't be opened for writing: No such file" "an image that is not there"
refused "qcow2:none" "qcow2:none is no path from the root" "a relative path"

# Other files that an image names.
qemu-img create -q -f qcow2 -b /etc/shadow -F raw shadow.qcow2 8M
refused "qcow2:$WORK/shadow.qcow2" "shadow.qcow2 is no qcow2 image that can be served: .*/etc/shadow.*No such file" \
	"a backing file /etc/shadow"
qemu-img create -q -f raw other/base.raw 8M
qemu-img create -q -f qcow2 -b "$WORK/other/base.raw" -F raw outside.qcow2
refused "qcow2:$WORK/outside.qcow2" "base.raw.*No such file" "a backing file elsewhere than below --allow-backing"
qemu-img create -q -f raw bases/base.raw 8M
ln -s /etc/shadow bases/link
qemu-img create -q -f qcow2 -b "$WORK/bases/link" -F raw link.qcow2 8M 2>/dev/null
refused "qcow2:$WORK/link.qcow2" "link.*No such file" "a link from there to /etc/shadow"
qemu-img create -q -f qcow2 -o data_file="$WORK/other/data.raw" data.qcow2 8M
refused "qcow2:$WORK/data.qcow2" "data.qcow2 .*(data.raw.*No such file|data in another file)" "an external data file"
printf '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 16384 FLAT "/etc/passwd" 0\n' \
	>flat.vmdk
truncate -s 512 flat.vmdk
refused "vmdk:$WORK/flat.vmdk" "flat.vmdk is no vmdk image that can be served: " "a vmdk whose data is /etc/passwd"

qemu-io -f raw -c 'write -P 9 0 8M' bases/base.raw >/dev/null
qemu-img create -q -f qcow2 -b "$WORK/bases/base.raw" -F raw child.qcow2
ok "a backing file that is allowed is taken" xloop block-attach g "vdev=xvdb,target=qcow2:$WORK/child.qcow2"
# shellcheck disable=SC2016
xloop exec g -- nbdkit -U - "$BUILD/nbdkit-xenblk-plugin.so" dev=xvdb --run 'nbdcopy "$uri" copy' >out 2>&1
ok "and read through" cmp -n 8388608 copy bases/base.raw
xloop block-detach g xvdb
blkback_stop
blkback_start
refused "qcow2:$WORK/child.qcow2" "child.qcow2 needs a backing file, and none is allowed; start blkback with --allow-backing=DIR" \
	"without --allow-backing the same image"
ok "the other disk did not notice" neighbour_well g
wait $NEIGHBOUR
is "$(pgrep -f "^/usr/bin/qemu-nbd .*$WORK")" "" "no qemu-nbd is left"
