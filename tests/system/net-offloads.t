#!/bin/bash
# SPDX-License-Identifier: MIT
# Checksum offload and TSO on or off, at either end, by ethtool or by what a frontend does not take: TCP goes on, and
# what arrives is whole.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 22

bridge_make
netback_start
nic_guest a 1 && nic_guest b 2 || exit 1
vif=vif$(domid_of a).0
mkdir "$WORK/www"
head -c 10000000 /dev/urandom >"$WORK/www/file"
serve_files host "$WORK/www"
serve_files a "$WORK/www"

# Both ways between the guest and the host, and to the other guest.
passes() {
	fetch a 10.0.0.1 file "$WORK/out" && cmp "$WORK/www/file" "$WORK/out" &&
		fetch host 10.0.0.11 file "$WORK/out" && cmp "$WORK/www/file" "$WORK/out" &&
		fetch b fd00::11 file "$WORK/out" && cmp "$WORK/www/file" "$WORK/out"
}
feature() { # PLACE INTERFACE NAME
	at "$1" ethtool -k "$2" | awk -v name="$3:" '$1 == name { print $2 }'
}
# wget has no brackets for IPv6 addresses.
fetch() {
	local address=$2
	[[ $address != *:* ]] || address="[$address]"
	at "$1" busybox wget -q -O "$4" "http://$address/$3"
}

for f in tx-checksum-ip-generic tcp-segmentation-offload; do
	is "$(feature a eth0 $f)" on "in the guest, $f is on"
	is "$(feature host "$vif" $f)" on "on the host, too"
done
ok "files pass whole with all of it" passes
ok "TSO off in the guest" at a ethtool -K eth0 tso off
ok "files pass whole" passes
ok "checksums off in the guest" at a ethtool -K eth0 tx off
ok "files pass whole" passes
at a ethtool -K eth0 tx on tso on
ok "TSO off on the host" ethtool -K "$vif" tso off
ok "files pass whole" passes
ok "checksums off on the host" ethtool -K "$vif" tx off
ok "files pass whole" passes
ethtool -K "$vif" tx on tso on

for option in --no-gso --no-csum --no-sg; do
	ok "a frontend connects that has $option" driver_restart a $option
	nic_address a 1
	wait_for 10 pings_soon a 10.0.0.1
	ok "files pass whole" passes
done
driver_restart a --headroom=256
nic_address a 1
ok "a frontend with headroom gets its files whole" passes
is "$(xloop exec a -- xenstore-read device/vif/0/xdp-headroom)" 256 "it has asked for it"
ok "no driver gave its device up" test "$(grep -c 'the backend sent' "$XLOOP_DIR"/*.log | awk -F: '{ n += $2 } END { print n }')" = 0
