#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # text that is not for this shell
# A bridge is put under a live NIC, and taken away: TCP goes on, addresses, routes and name stay, and two bridges go side by side.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 21

lan_make
ip addr add 192.168.8.2/24 dev eth0
ip route add 10.9.0.0/16 via 192.168.8.9
ip route add 10.10.0.0/16 via 192.168.7.1 table 77
ip -6 route add 2001:db8:55::/48 via 2001:db8:7::1
ip link add eth1 type veth peer name eth1peer
ip link set eth1 up
nft 'table ip filter { chain FORWARD { type filter hook forward priority 0; ip saddr 10.66.0.0/16 drop; }; }'
before=$(census)
in_ns lan iperf3 -s -D >/dev/null
in_ns lan iperf3 -s -D -p 5202 >/dev/null
wait_for 5 eval '[ "$(in_ns lan ss -Hltn | grep -c ":520[12]")" = 2 ]'
iperf3 -c 192.168.7.1 -t 5 -J >"$WORK/tcp4" 2>&1 &
tcp4=$!
iperf3 -c 2001:db8:7::1 -p 5202 -t 5 -J >"$WORK/tcp6" 2>&1 &
tcp6=$!
wait_for 5 eval '[ "$(ss -Htn state established | grep -c :520[12])" = 4 ]'

ok "starts on the NIC of the default route" network bridge start
is "$(ip -br addr show eth0 | awk '{ print NF }')" 2 "the NIC has kept its name, and has no address"
is "$(ip -4 -br addr show xenbr0 | awk '{ print $3, $4 }')" "192.168.7.2/24 192.168.8.2/24" "the bridge has them"
is "$(cat /sys/class/net/eth0/address)" "$(cat /sys/class/net/xenbr0/address)" "and its MAC"
like "$(ip -6 addr show xenbr0)" '2001:db8:7::2/64' "and its IPv6"
is "$(ip route show table all dev eth0; ip -6 route show dev eth0)" "" "no route leads over the NIC"
like "$(ip route)" '10.9.0.0/16 via 192.168.8.9 dev xenbr0' "those that did lead over the bridge"
like "$(ip route show table 77)" '10.10.0.0/16 via 192.168.7.1 dev xenbr0' "in every table"
like "$(ip -6 route)" '2001:db8:55::/48 via 2001:db8:7::1 dev xenbr0' "and of both families"
is "$(nft list ruleset | grep -c '10.66.0.0')" 1 "an admin's FORWARD chain is as it was"
like "$(network bridge start)" 'is started already' "a second start has nothing to do"
like "$(network bridge status)" 'started; netdev=eth0 bridge=xenbr0' "status says what is there"
guest a 7
ok "a guest joins" vif bridge online 7
guest_addresses a 192.168.7.77/24
ok "and reaches the LAN" pings a 192.168.7.1
like "$(network bridge stop)" 'still serves vif7.0' "stop leaves a bridge that a guest is in"
vif bridge offline 7 >/dev/null
ip link del vif7.0
ok "a second bridge on another NIC" network bridge start netdev=eth1 bridge=xenbr1
ok "is stopped by its name" network bridge stop bridge=xenbr1
ok "the first one stops" network bridge stop
wait $tcp4 && wait $tcp6
is $? 0 "both TCP connections went on through all of it"
ok "and moved data to the end" jq -e '.end.sum_received.bytes > 0 and .intervals[-1].sum.bytes > 0' "$WORK/tcp4" "$WORK/tcp6"
is "$(diff <(sort <<<"$before") <(census | sort))" "" "and the host is as it was"
