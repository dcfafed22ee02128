#!/bin/bash
# SPDX-License-Identifier: MIT
# A guest gets its address by DHCP, whose programs look at packets themselves and believe no blank checksum.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 4

bridge_make
netback_start
cat >"$WORK/udhcpd.conf" <<END
start 10.0.0.50
end 10.0.0.60
interface xenbr0
lease_file $WORK/leases
pidfile $WORK/udhcpd.pid
opt subnet 255.255.255.0
opt router 10.0.0.1
END
touch "$WORK/leases"
busybox udhcpd -f "$WORK/udhcpd.conf" >>"$XLOOP_DIR/udhcpd.log" 2>&1 &
# The client's script, which is told by words in the environment.
cat >"$WORK/script" <<'END'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/24" dev "$interface" && ip route add default via "$router"
END
chmod +x "$WORK/script"

ok "a guest is created" xloop create "$(nic_config a 1)"
ok "it gets an address" at a busybox udhcpc -i eth0 -n -q -t 5 -T 1 -s "$WORK/script"
ok "of those there are" at a sh -c "ip -4 -o addr show dev eth0 | grep -q 'inet 10.0.0.5'"
ok "with which it reaches the host" pings a 10.0.0.1
