#!/bin/bash
# SPDX-License-Identifier: MIT
# Jumbo frames: the bridge's MTU is the guest's, and packets as long pass whole.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/vif.sh"
in_host "$@"
plan 8

bridge_make xenbr0 9000
netback_start
nic_guest a 1 mtu=9000 && nic_guest b 2 mtu=9000 || exit 1
is "$(vif_node a 0 mtu)" 9000 "the backend's node is libxl's"
like "$(at a ip -o link show eth0)" ' mtu 9000 ' "the guest's interface has it"
ok "9000 bytes pass from guest to host" pings a 10.0.0.1 -s 8972 -M "do"
ok "from guest to guest" pings a 10.0.0.12 -s 8972 -M "do"
not_ok "9001 do not" at a ping -n -c 1 -W 1 -s 8973 -M "do" 10.0.0.1
ok "TCP works, guest to guest" tcp_works b a 10.0.0.12
ok "and host to guest" tcp_works host a 10.0.0.1 -R
ok "1500 bytes pass as ever" pings a 10.0.0.1 -s 1472 -M "do"
