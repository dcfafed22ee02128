#!/bin/bash
# SPDX-License-Identifier: MIT
# TCP between a guest and the host, and between two guests, in both directions; what arrives is what was sent.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 13

bridge_make
netback_start
nic_guest a 1 && nic_guest b 2 || exit 1
ok "guest to host" tcp_works host a 10.0.0.1
ok "host to guest" tcp_works host a 10.0.0.1 -R
ok "guest to host by IPv6" tcp_works host a fd00::1
ok "host to guest by IPv6" tcp_works host a fd00::1 -R
ok "guest to guest" tcp_works b a 10.0.0.12
ok "guest to guest and back at once" tcp_works b a 10.0.0.12 --bidir
ok "8 streams" tcp_works b a 10.0.0.12 -P 8
ok "UDP, guest to guest" iperf b a 10.0.0.12 -u -b 200M -t 1

mkdir "$WORK/www"
head -c 40000000 /dev/urandom >"$WORK/www/file"
serve_files a "$WORK/www"
serve_files host "$WORK/www"
ok "the host fetches a file from the guest" fetch host 10.0.0.11 file "$WORK/host.out"
ok "which is whole" cmp "$WORK/www/file" "$WORK/host.out"
ok "the other guest does" fetch b 10.0.0.11 file "$WORK/b.out"
ok "and has it whole" cmp "$WORK/www/file" "$WORK/b.out"
fetch a 10.0.0.1 file "$WORK/a.out"
ok "what the guest fetches from the host is whole" cmp "$WORK/www/file" "$WORK/a.out"
