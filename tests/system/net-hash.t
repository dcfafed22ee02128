#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that sets up hashing by its control ring is told the Toeplitz hash of each packet that it gets.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 2

bridge_make
netback_start --queues=2
XLOOP_XNET=none nic_guest a 1 >/dev/null 2>&1
# By the definition of netif.h, bit by bit.
want=$(/usr/bin/python3 -c '
import ipaddress
def toeplitz(key, data):
    value = 0
    for i in range(len(data) * 8):
        if data[i // 8] >> (7 - i % 8) & 1:
            value ^= int.from_bytes(key, "big") << i >> (len(key) * 8 - 32) & 0xffffffff
    return value
data = ipaddress.ip_address("10.0.0.1").packed + ipaddress.ip_address("10.0.0.11").packed
print("%08x" % toeplitz(b"\x11\x22\x33\x44\x55\x66\x77\x88" * 5, data))')
xloop exec a -- "$BUILD/tests/nethostile" 0 --queues=2 hash >"$WORK/out" 2>&1 &
guest=$!
wait_for 10 grep -q connected "$WORK/out"
ip neigh replace 10.0.0.11 lladdr "$(mac_of 1)" dev xenbr0
ping -4 -n -i 0.05 10.0.0.11 >/dev/null 2>&1 &
pinger=$!
ok "packets come with a hash" wait_for 10 grep -q "^hash type" "$WORK/out"
ok "which is Toeplitz over both addresses ($want)" wait_for 10 grep -q "^hash type 0 $want" "$WORK/out"
kill $pinger $guest
