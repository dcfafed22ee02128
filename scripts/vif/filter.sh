# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC3043,SC2034,SC2154 # dash, ash and bash have local; names are shared with who sources it
#
# What a guest may send: the rules of its chain in table netdev halfback, at the ingress of its interface, which bridges, switches
# and the stack come after.  Sourced by vif.sh.  Only text is made here; nft takes all of it in one transaction.
#
# Always: frames have the MAC of mac=, and so has what ARP and neighbour discovery (ND) say in them.  With addresses (ip=, or
# those given by us): nothing but IPv4, IPv6 and ARP, from these addresses and about these only; router advertisements and
# redirects not at all.  Each rule that drops counts, and its comment says what was spoofed.

rule() {
	filter=$filter$LF"add rule netdev halfback vif$id $*"
}

drop() {
	local what="$1"
	shift
	rule "$* counter drop comment \"$what\""
}

# Sets $filter.  Chains of an earlier interface of this name go in the same transaction.
filter_text() {
	local policy=accept
	[ -z "$prefixes" ] || policy=drop
	filter_none
	filter="$filter
add chain netdev halfback vif$id-ip6
add chain netdev halfback vif$id { type filter hook ingress device \"$name\" priority -400; policy $policy; }"
	drop MAC "ether saddr != $mac"
	if [ -z "$prefixes" ]; then
		filter_open
		return
	fi
	[ -n "$vlan_trusted" ] || drop VLAN "ether type { 8021q, 8021ad }"
	filter_arp
	filter_ipv4
	filter_ipv6
	drop other ''
}

# Sets $filter to what takes the chains away, whether they are there or not.  vifDOMID.DEVID-ip6 has the guest's addresses.
filter_none() {
	filter="add table netdev halfback
add chain netdev halfback vif$id
add chain netdev halfback vif$id-ip6
flush chain netdev halfback vif$id
flush chain netdev halfback vif$id-ip6
delete chain netdev halfback vif$id
delete chain netdev halfback vif$id-ip6"
}

# No address is known.
filter_open() {
	drop ARP "arp saddr ether != $mac"
	drop ND "icmpv6 type nd-neighbor-advert @th,192,16 0x0201 @th,208,48 != 0x$mac_hex"
	drop ND "icmpv6 type nd-neighbor-solicit @th,192,16 0x0101 @th,208,48 != 0x$mac_hex"
}

# An address of 0.0.0.0 asks whether one is in use (RFC 5227).
filter_arp() {
	local a arp="arp htype 1 arp ptype ip arp hlen 6 arp plen 4 arp saddr ether $mac arp saddr ip"
	rule "$arp 0.0.0.0 accept"
	for a in $prefixes; do
		case $a in
		*:*) ;;
		*) rule "$arp $a accept" ;;
		esac
	done
	drop ARP "meta protocol arp"
}

filter_ipv4() {
	local a
	for a in $prefixes; do
		case $a in
		*:*) ;;
		*) rule "ip saddr $a accept" ;;
		esac
	done
	rule "ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept"
	drop IPv4 "meta protocol ip"
}

# A guest that has no IPv6 address sends no IPv6.  One that has also has the link-local address that is made from its MAC, and
# others only if ip= names them.
filter_ipv6() {
	local a own='' link_local=y
	for a in $prefixes; do
		case $a in
		fe80:*) link_local='' own="$own $a" ;;
		*:*) own="$own $a" ;;
		esac
	done
	if [ -z "$own" ]; then
		drop IPv6 "meta protocol ip6"
		return
	fi
	if [ -n "$link_local" ]; then
		mac_link_local "$mac_hex"
		own="$own $a_text"
	fi
	filter_nd
	rule "meta protocol ip6 goto vif$id-ip6"
	for a in $own; do
		filter=$filter$LF"add rule netdev halfback vif$id-ip6 ip6 saddr $a accept"
	done
	filter=$filter$LF"add rule netdev halfback vif$id-ip6 counter drop comment \"IPv6\""
}

# ND as RFC 4861 has it: straight behind the header, hop limit 255, and with one option, the sender's own MAC, or none.  From the
# unspecified address only what comes before an address can be used: DAD, the search for a router, and reports of groups.
filter_nd() {
	local a nd='ip6 nexthdr icmpv6 ip6 hoplimit 255' own_chain="goto vif$id-ip6"
	rule "ip6 saddr :: $nd icmpv6 type { nd-neighbor-solicit, nd-router-solicit } accept"
	rule "ip6 saddr :: ip6 daddr ff02::16 icmpv6 type mld2-listener-report accept"
	for a in $own; do
		nd_target "$a"
		rule "icmpv6 type nd-neighbor-advert $nd ip6 length 24 $target $own_chain"
		rule "icmpv6 type nd-neighbor-advert $nd ip6 length 32 @th,192,16 0x0201 @th,208,48 0x$mac_hex $target $own_chain"
	done
	rule "icmpv6 type nd-neighbor-solicit $nd ip6 length 24 $own_chain"
	rule "icmpv6 type nd-neighbor-solicit $nd ip6 length 32 @th,192,16 0x0101 @th,208,48 0x$mac_hex $own_chain"
	rule "icmpv6 type nd-router-solicit $nd ip6 length 8 $own_chain"
	rule "icmpv6 type nd-router-solicit $nd ip6 length 16 @th,64,16 0x0101 @th,80,48 0x$mac_hex $own_chain"
	drop ND "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, nd-redirect }"
}

# Sets $target: what an advertisement is about is in the prefix.
nd_target() {
	addr_parse "$1"
	target="@th,64,128 0x$a_hex"
	if [ -z "$a_whole" ]; then
		hex_mask ffffffffffffffffffffffffffffffff "$a_len"
		target="@th,64,128 & 0x$masked == 0x$a_hex"
	fi
}
