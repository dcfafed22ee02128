#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest that sets up hashing by its control ring is told the Toeplitz hash of each packet that it gets.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 5

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
vif_state a 0 6

# A mapping that has entries 1, 2, 4 and 7 of 8 by queue 1.
xloop exec a -- "$BUILD/tests/nethostile" 0 --queues=2 hash-steer >"$WORK/steered" 2>&1 &
guest=$!
wait_for 10 grep -q connected "$WORK/steered"
ip -6 neigh replace fd00::11 lladdr "$(mac_of 1)" dev xenbr0
for port in {5000..5039}; do
	echo x >"/dev/udp/10.0.0.11/$port"
	timeout 0.02 bash -c "echo x >/dev/tcp/10.0.0.11/$port"
	timeout 0.02 bash -c "echo x >/dev/tcp/fd00::11/$port"
done 2>/dev/null
enough() { # TYPE COUNT
	[ "$(grep -c "type $1" "$WORK/steered")" -ge "$2" ]
}
ok "TCP of IPv4 and IPv6 comes" wait_for 5 enough 3 20
ok "by both queues" sh -c "for type in 1 3; do for queue in 0 1; do grep -q \"type \$type .* queue \$queue\" '$WORK/steered' || exit 1; done; done"
is "$(/usr/bin/python3 -c "
lines = [line.split() for line in open('$WORK/steered') if line.startswith('hash')]
print(sum((int(l[3], 16) % 8 in (1, 2, 4, 7)) != int(l[5]) for l in lines))")" 0 "each packet came by the queue that the mapping says"
kill $guest
