#!/bin/bash
# SPDX-License-Identifier: MIT
#
# mode = nat: two stock guests with an empty vif=, by DHCP; each other, the LAN and the outside.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net-mode.sh"
xen_test 20

lease() { # NAME
	guest_run "$1" "printf '#!/bin/sh\n[ \"\$1\" != bound ] || { ip addr add \$ip/\$mask dev eth0 ; ip route add default via \$router ; echo lease of \$ip by \$router ; }\n' >/dhcp ; chmod +x /dhcp ; udhcpc -i eth0 -n -q -t 10 -T 2 -s /dhcp 2>/dev/null" | grep lease
}

net_mode 'mode = nat\nnetdev = eth0'
ok "a guest is created" nic_guest a 'mac=00:16:3e:00:00:01'
ok "and another one" nic_guest b 'mac=00:16:3e:00:00:02,script=halfback/vif-nat'
a=10.0.$(xl domid a).1 b=10.0.$(xl domid b).1
is "$(lease a)" "lease of $a by 10.0.0.1" "a guest has a lease"
is "$(lease b)" "lease of $b by 10.0.0.1" "and so has the other one"
a6=$(printf 'fd48:616c:6662::a00:%x' $(($(xl domid a) * 256 + 1)))
b6=$(printf 'fd48:616c:6662::a00:%x' $(($(xl domid b) * 256 + 1)))
nic_address a "$a6/128" via fe80::1 >/dev/null
nic_address b "$b6/128" via fe80::1 >/dev/null
connected "$a" "$a6" "$b" "$b6"
ok "guest to the outside" guest_reaches a 203.0.113.1
spoofs
comes_and_goes ''
