#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The lines of README's section "With xl", run as they are written there, but for the image's path.

# shellcheck disable=SC2016 # single quotes: for sed and eval
. "$(dirname "$0")/lib.sh"
xen_test 5
export GUEST_FIO=1
disk=$(image disk 16M)
lines=$(sed -n '/^## With xl/,/^```$/p' "$TOP/README.md" | sed '1,/^```sh$/d; /^```$/d; /^#/d')
shell=$(grep -v '^disk' <<<"$lines")
ok "there are five of them, one for the guest's configuration" eval '[ "$(grep -c . <<<"$lines")" -le 5 ] && grep -q "^disk = " <<<"$lines"'
cd "$TOP" || exit 1
PATH=/usr/lib/xen-4.17/bin:/usr/sbin:/usr/bin:/sbin:/bin # what README installs is to be run, not what was built
eval "$shell" >"$WORK/out" 2>&1 </dev/null
is $? 0 "the others install blkback and start it"
[ $tap_failed -eq 0 ] || diag "$(cat "$WORK/out")"
ok "which runs from there" wait_for 10 eval '[ "$(readlink "/proc/$(cat /run/halfback/blkback.pid)/exe")" = /usr/sbin/blkback ]'
config=$(guest_config g pv)
sed -i '/^disk=/,$d' "$config"
grep '^disk = ' <<<"$lines" | sed "s|/path/to/image|$disk|" >>"$config"
ok "a guest with the line for its disk is created" eval 'xl create "$config" && guest_boot g'
ok "and fio verifies the disk" guest_run g "fio --name=readme --ioengine=libaio --direct=1 --filename=/dev/xvda --verify=crc32c
	--rw=randwrite --bs=16k --iodepth=8 --size=4m"
xl destroy g
wait_for 10 no_workers
kill "$(cat /run/halfback/blkback.pid)"
