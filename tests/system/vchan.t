#!/bin/bash
# SPDX-License-Identifier: MIT
# The ABI is Xen's: Debian's libxenvchan, unmodified, passes data both ways between a guest and dom0, and sees
# the other side's death.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 9

peer=$BUILD/tests/vchan_peer
ok "a guest is created" guest_create g
domid=$(domid_of g)
like "$(LD_LIBRARY_PATH='' ldd "$peer")" 'libxenvchan\.so\.4\.17 => /(usr/)?lib/' "the program has Debian's libxenvchan"

line_in() { # FILE LINE
	grep -qx "$2" "$1"
}

# vchan_try SERVER-PREFIX CLIENT-PREFIX CLIENT-DOMID SERVER-DOMID PATH WHERE
vchan_try() {
	local server=$WORK/server.$6 client=$WORK/client.$6 pid job
	# The prefixes are commands to run the program by, or nothing.
	# shellcheck disable=SC2086
	$1 "$peer" server "$3" "$5" 8 >"$server" 2>&1 &
	wait_for 10 xenstore-read "$5/event-channel" || return
	# shellcheck disable=SC2086
	$2 "$peer" client "$4" "$5" 8 >"$client" 2>&1 &
	job=$!
	ok "8 MiB go from the client to the server ($6)" wait_for 20 line_in "$server" verified
	ok "and 8 MiB back" wait_for 20 line_in "$client" verified
	pid=$(pgrep -f "^$peer client $4 $5 8\$")
	kill -9 "$pid"
	wait "$job" 2>/dev/null
	ok "the server sees the client's death by kill -9" wait_for 10 line_in "$server" closed
}

vchan_try "xloop exec g --" "" 0 "$domid" "/local/domain/$domid/data/vchan/one" "server in the guest"
vchan_try "" "xloop exec g --" "$domid" 0 /local/domain/0/data/vchan/two "server in dom0"
is "$(xloop stats --json | jq '[.[] | .maps] | add')" 1 "no map is left but the store's of the guest's ring"
