// SPDX-License-Identifier: MIT
/*
 * Anti-spoofing: what a guest sends is looked at before the first byte of it reaches the host.
 *
 *	Ethernet	the source is the vif's
 *	ARP		so is the sender, and in mode `ip` its address is on the list (or 0.0.0.0:
 *RFC 5227) IPv4		the source is on the list, or it is a DHCP client that has none yet
 *	IPv6		the source is on the list, or is the link-local address of the vif's MAC, or
 *is :: with what RFC 4862 sends from it ND		who answers for an address has it;
 *link-layer addresses are the vif's; no router advertisements and no redirects (RFC 4861), and none
 *of these in fragments (RFC 6980)
 *
 * In mode `ip` whatever can't be followed is refused, and so are VLAN tags and other protocols:
 *they would carry what is not looked at.
 *
 * Pure functions on private copies.
 */
#include "netback/spoof.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARP_LENGTH = 28, /* of Ethernet and IPv4: RFC 826 */
	IPV6_HEADER = 40,
	ND_ROUTER_SOLICIT = 133,
	ND_ROUTER_ADVERT = 134,
	ND_NEIGHBOR_SOLICIT = 135,
	ND_NEIGHBOR_ADVERT = 136,
	ND_REDIRECT = 137,
	ND_SOURCE_LINK = 1, /* options: RFC 4861, 4.6.1 */
	ND_TARGET_LINK = 2,
	MLD_FIRST = 130,
	MLD_LAST = 132,
	MLD2_REPORT = 143,
	DHCP_SERVER = 67,
	DHCP_CLIENT = 68,
};

static const uint8_t none[16];

static bool prefix_is(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint32_t bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, b, bytes) != 0)
		return false;
	return rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0;
}

static bool is_listed(const struct spoof *spoof, uint8_t version, const uint8_t *address)
{
	for (uint32_t i = 0; i < spoof->count && i < SPOOF_NETS_MAX; i++) {
		const struct spoof_net *net = &spoof->nets[i];

		if (net->version == version && prefix_is(net->address, address, net->bits))
			return true;
	}
	return false;
}

static bool has_ipv6(const struct spoof *spoof)
{
	for (uint32_t i = 0; i < spoof->count && i < SPOOF_NETS_MAX; i++)
		if (spoof->nets[i].version == 6)
			return true;
	return false;
}

/* fe80:: and the modified EUI-64 of the MAC: RFC 4291, 2.5.6 and appendix A. */
static bool is_link_local(const struct spoof *spoof, const uint8_t *address)
{
	const uint8_t *mac = spoof->mac;
	const uint8_t own[16] = {0xfe,	     0x80,   0,	     0,	   0,	 0,	 0,	 0,
				 mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};

	return memcmp(own, address, sizeof(own)) == 0;
}

static bool is_own_ipv6(const struct spoof *spoof, const uint8_t *address)
{
	return is_listed(spoof, 6, address) || (has_ipv6(spoof) && is_link_local(spoof, address));
}

/* ---- ARP and IPv4 ------------------------------------------------------------------------- */

static const char *arp_check(const struct spoof *spoof, const uint8_t *arp, size_t len)
{
	static const uint8_t kind[] = {0, 1, 8, 0, 6, 4}; /* Ethernet and IPv4 */

	if (len < ARP_LENGTH || memcmp(arp, kind, sizeof(kind)) != 0)
		return "sends an ARP packet that is not of Ethernet and IPv4";
	if (memcmp(arp + 8, spoof->mac, ETH_ALEN_) != 0)
		return "sends ARP in the name of another MAC address";
	if (spoof->mode == SPOOF_IP && memcmp(arp + 14, none, 4) != 0 &&
	    !is_listed(spoof, 4, arp + 14))
		return "sends ARP in the name of another IP address";
	return NULL;
}

static bool is_dhcp_client(const struct packet *packet, const uint8_t *head, size_t len)
{
	const uint8_t *udp = head + packet->l4;

	return packet->protocol == IPPROTO_UDP && packet->l4 && packet->l4 + 4u <= len &&
	       packet_read16(udp) == DHCP_CLIENT && packet_read16(udp + 2) == DHCP_SERVER;
}

static const char *ipv4_check(const struct spoof *spoof, const struct packet *packet,
			      const uint8_t *head, size_t len)
{
	const uint8_t *source = head + packet->l3 + 12;

	if (packet->version != 4)
		return "sends an IPv4 packet whose header is no such header";
	if (is_listed(spoof, 4, source))
		return NULL;
	if (memcmp(source, none, 4) == 0 && is_dhcp_client(packet, head, len))
		return NULL;
	return "sends from an IPv4 address that is not its own";
}

/* ---- IPv6 and ND -------------------------------------------------------------------------- */

/* The options of a message, from `at` on: each link-layer address that they name is the vif's. */
static const char *nd_options_check(const struct spoof *spoof, const uint8_t *head, size_t at,
				    size_t end)
{
	while (at + 2 <= end) {
		size_t size = head[at + 1] * (size_t)8;

		if (size == 0 || size > end - at)
			return "sends a neighbor discovery message that is cut off";
		if ((head[at] == ND_SOURCE_LINK || head[at] == ND_TARGET_LINK) &&
		    memcmp(head + at + 2, spoof->mac, ETH_ALEN_) != 0)
			return "sends neighbor discovery in the name of another MAC address";
		at += size;
	}
	return NULL;
}

/* Where the message ends, of which at most `len` bytes are here; 0: not all of it is. */
static size_t nd_end(const struct packet *packet, const uint8_t *head, size_t len)
{
	size_t end = packet->l3_end + (size_t)packet_read16(head + packet->l3 + 4);

	return end <= len ? end : 0;
}

static const char *nd_check(const struct spoof *spoof, const struct packet *packet,
			    const uint8_t *head, size_t len)
{
	size_t end, at = packet->l4;
	uint8_t type;

	if (at + 4 > len)
		return "sends an ICMPv6 message that is cut off";
	type = head[at];
	if (packet->fragment && type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT)
		return "sends neighbor discovery in fragments";
	if (type == ND_ROUTER_ADVERT || type == ND_REDIRECT)
		return "sends router advertisements or redirects";
	if (type < ND_ROUTER_SOLICIT || type > ND_REDIRECT)
		return NULL;
	end = nd_end(packet, head, len);
	/* 8 bytes, and the target of those of neighbors: RFC 4861, 4.1 to 4.4. */
	if (end < at + (type == ND_ROUTER_SOLICIT ? 8 : 24))
		return "sends a neighbor discovery message that is cut off";
	if (type == ND_NEIGHBOR_ADVERT && !is_own_ipv6(spoof, head + at + 8))
		return "sends neighbor discovery in the name of another IP address";
	return nd_options_check(spoof, head, at + (type == ND_ROUTER_SOLICIT ? 8 : 24), end);
}

/* What is sent before there is an address: RFC 4862, 5.4.2; RFC 4861, 4.1; RFC 3810, 5.2.13. */
static bool is_unspecified(const struct packet *packet, const uint8_t *head, size_t len)
{
	uint8_t type;

	if (packet->protocol != IPPROTO_ICMPV6 || !packet->l4 || packet->l4 + 4u > len)
		return false;
	type = head[packet->l4];
	return type == ND_NEIGHBOR_SOLICIT || type == ND_ROUTER_SOLICIT ||
	       (type >= MLD_FIRST && type <= MLD_LAST) || type == MLD2_REPORT;
}

static const char *ipv6_check(const struct spoof *spoof, const struct packet *packet,
			      const uint8_t *head, size_t len)
{
	const uint8_t *source = head + packet->l3 + 8;

	if (packet->version != 6 || !packet->complete)
		return "sends an IPv6 packet whose headers can't be followed";
	if (!has_ipv6(spoof))
		return "sends IPv6 and has no IPv6 address";
	if (!is_own_ipv6(spoof, source) &&
	    !(memcmp(source, none, sizeof(none)) == 0 && is_unspecified(packet, head, len)))
		return "sends from an IPv6 address that is not its own";
	if (packet->protocol == IPPROTO_ICMPV6 && packet->l4)
		return nd_check(spoof, packet, head, len);
	return NULL;
}

/* ---- all ---------------------------------------------------------------------------------- */

const char *spoof_check(const struct spoof *spoof, const struct packet *packet, const uint8_t *head,
			size_t len)
{
	if (spoof->mode == SPOOF_OFF)
		return NULL;
	if (memcmp(head + ETH_ALEN_, spoof->mac, ETH_ALEN_) != 0)
		return "sends from a MAC address that is not its own";
	if (packet->ethertype == ETH_P_ARP)
		return packet->tags > 0 && spoof->mode == SPOOF_IP
			       ? "sends with a VLAN tag"
			       : arp_check(spoof, head + packet->l3, len - packet->l3);
	if (spoof->mode == SPOOF_MAC)
		return NULL;
	if (packet->tags > 0)
		return "sends with a VLAN tag";
	if (packet->ethertype == ETH_P_IP)
		return ipv4_check(spoof, packet, head, len);
	if (packet->ethertype == ETH_P_IPV6)
		return ipv6_check(spoof, packet, head, len);
	return "sends what is neither IP nor ARP";
}

/* ---- what the toolstack writes ------------------------------------------------------------- */

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

int spoof_parse_mac(uint8_t mac[ETH_ALEN_], const char *text)
{
	for (int i = 0; i < ETH_ALEN_; i++, text += 3) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i < ETH_ALEN_ - 1 ? ':' : '\0'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static int net_parse(struct spoof_net *net, char *text)
{
	char *slash = strchr(text, '/'), *end;
	unsigned long bits, most;

	if (slash)
		*slash = '\0';
	memset(net, 0, sizeof(*net));
	net->version = strchr(text, ':') ? 6 : 4;
	if (inet_pton(net->version == 6 ? AF_INET6 : AF_INET, text, net->address) != 1)
		return -EINVAL;
	most = net->version == 6 ? 128 : 32;
	bits = most;
	if (slash) {
		if (slash[1] < '0' || slash[1] > '9')
			return -EINVAL;
		bits = strtoul(slash + 1, &end, 10);
		if (*end != '\0' || bits > most)
			return -EINVAL;
	}
	net->bits = (uint8_t)bits;
	return 0;
}

int spoof_parse_nets(struct spoof *spoof, const char *text)
{
	static const char between[] = " ,\t";
	char word[64];

	spoof->count = 0;
	for (text += strspn(text, between); *text; text += strspn(text, between)) {
		size_t len = strcspn(text, between);

		if (len >= sizeof(word))
			return -EINVAL;
		if (spoof->count == SPOOF_NETS_MAX)
			return -E2BIG;
		memcpy(word, text, len);
		word[len] = '\0';
		if (net_parse(&spoof->nets[spoof->count], word) < 0)
			return -EINVAL;
		spoof->count++;
		text += len;
	}
	return 0;
}
