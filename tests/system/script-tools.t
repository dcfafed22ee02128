#!/bin/bash
# SPDX-License-Identifier: MIT
# Nothing but ip, nft and Xen's tools is needed: no brctl, ifconfig, ifdown, iptables, bash; ten processes for an online.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../net.sh"
in_net "$@"
plan 10

lan_make
bridge_make
guest a 7 ip=192.168.7.7 gatewaydev=eth0
for old in brctl ifconfig ifup ifdown iptables iptables-nft ip6tables ebtables route arp; do
	stub $old <<<"#!/bin/sh
echo $old >>$WORK/old"
done
for shell in dash "bash --posix"; do
	VIF_SHELL=$shell
	for mode in bridge route; do
		ok "$mode: online and offline in $shell" eval "vif $mode online 7 && vif $mode offline 7"
	done
	ok "NAT: online and offline in $shell" eval "vif nat online 7 && vif nat offline 7 && network nat stop"
done
VIF_SHELL=
addresses() {
	# shellcheck disable=SC2016 # for the shell that is tested
	$1 -uc '. "$0"; for a in 10.0.0.7/24 2001:DB8::1 ::/0 1.2.3 1::2::3; do addr_parse "$a" && echo "$a_text"; done; mac_parse 00:16:3E:0a:0b:0C; mac_link_local "$mac_hex"; echo "$a_text"' "$SCRIPTS/addr.sh"
}
is "$(addresses "busybox ash")" "$(addresses dash)" "busybox ash reads addresses as dash does"
is "$(cat "$WORK/old" 2>/dev/null)" "" "no command of old was asked for"
strace -f -qq -e trace=execve -e signal=none -o "$WORK/execs" env -i PATH="$PATH" HALFBACK_RUN_DIR=$HALFBACK_RUN_DIR \
	XENSTORED_PATH="${XENSTORED_PATH:-}" XENBUS_PATH=backend/vif/7/0 vif=vif7.0 "$SCRIPTS/vif/vif-bridge" online
ok "an online starts 10 programs at most" [ "$(grep -c ' = 0$' "$WORK/execs")" -le 11 ]
is "$(vif_node 7 hotplug-status)" connected "and it worked"
