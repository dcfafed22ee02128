#!/bin/bash
# SPDX-License-Identifier: MIT
# The store is Debian's xenstored with its real rules: a guest acts as its own domain, and its nodes go with it.
. "$(dirname "$0")/../lib.sh"
in_host "$@"
plan 11

ok "a guest is created" guest_create g
ok "and another" guest_create other
domid=$(domid_of g)
other=$(domid_of other)
backend=/local/domain/0/backend/vbd/$domid/51712
xenstore-write "$backend/state" 1
xenstore-chmod "$backend" n0 "r$domid"
xenstore-chmod "$backend/state" n0 "r$domid"

inside() {
	xloop exec g -- "$@"
}

is "$(inside xenstore-read domid)" "$domid" "relative paths are the guest's own"
ok "the guest writes its own data" inside xenstore-write data/mine yes
is "$(xenstore-read "/local/domain/$domid/data/mine")" yes "and dom0 reads it"
is "$(inside xenstore-read "$backend/state")" 1 "the guest reads its backend's state"
like "$(inside strace -f -qq -e trace=read xenstore-write "$backend/state" 4 2>&1)" 'EACCES' \
	"a write to its backend's directory gets EACCES"
is "$(xenstore-read "$backend/state")" 1 "and changes nothing"
not_ok "the other guest's nodes are closed to it" inside xenstore-write "/local/domain/$other/data/x" 1

xenstore-watch -n 2 @releaseDomain >"$WORK/released" 2>&1 &
wait_for 5 test -s "$WORK/released"
xloop destroy g
ok "@releaseDomain is fired when a domain is destroyed" wait_for 10 is_gone $!
not_ok "and its nodes are gone" xenstore-read "/local/domain/$domid/data/mine"
