#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's own xl attaches and detaches a disk on the private host, and xloop writes node for node, permission for
# permission, what xl writes.  xl's files go to a mount namespace of their own: nothing on the machine changes.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 6

fake_backend_start
guest_create g >/dev/null
disk=$(image 'a disk.img' 1M)
spec="format=raw,vdev=xvdb,access=rw,script=$TOP/scripts/block-halfback,target=$disk"
uuid=abababab-abab-abab-abab-abababababab

xl() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount sh -c '
		for dir in /var/lib/xen /var/log/xen /run; do
			mkdir -p $dir && mount -t tmpfs none $dir || exit 1
		done
		mkdir -p /run/xen
		echo "{\"c_info\":{\"type\":\"pv\",\"name\":\"g\"},\"b_info\":{\"type\":\"pv\"}}" \
			>/var/lib/xen/userdata-d.1.$0.libxl-json
		export LD_PRELOAD=$1
		shift
		/usr/lib/xen-4.17/bin/xl "$@"' "$uuid" "$BUILD/tests/xl-stub.so" "$@"
}

# Without the one directory that libxl makes empty and takes away with its last device.
nodes() {
	{
		xenstore-ls -f
		xenstore-ls -fp
	} | grep -v '^/libxl/1/device = ' | sort
}

before=$(nodes)
ok "xl attaches a disk" xl block-attach 1 "$spec"
by_xl=$(nodes)
like "$(xl block-list 1)" "51728 +0 +1 +1 .*/local/domain/0/backend/vbd/1/51728" "xl lists it"
ok "xl detaches it" xl block-detach 1 xvdb
is "$(nodes)" "$before" "and the store is as before"
ok "xloop attaches the same disk" xloop block-attach g "$spec"
diff -u <(echo "$by_xl") <(nodes) >"$WORK/difference"
is "$(cat "$WORK/difference")" "" "xloop wrote exactly what xl wrote"
fake_backend_stop
