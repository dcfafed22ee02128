// SPDX-License-Identifier: MIT
/*
 * Finds the headers of a frame: Ethernet, up to two VLAN tags, IPv4 or IPv6 with its extension
 * headers, and where TCP, UDP or ICMPv6 begin.
 *
 * Pure functions on private copies.  Nothing here trusts a length that the frame says: each is held
 * against what is there, and whatever does not fit counts as not found.
 */
#include "netback/packet.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

enum {
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	IPV4_FRAGMENT = 0x3fff, /* offset and more-fragments: RFC 791 */
	IPV4_OFFSET = 0x1fff,
	IPV6_OFFSET = 0xfff8, /* RFC 8200, 4.5 */
	IPV6_MORE = 1,
	TAGS_MAX = 2,
	EXTENSIONS_MAX = 8,
};

static void ipv4_parse(struct packet *packet, const uint8_t *head, size_t len)
{
	const uint8_t *ip = head + packet->l3;
	size_t room = len - packet->l3;
	uint16_t header, fragment;

	if (room < IPV4_HEADER || ip[0] >> 4 != 4)
		return;
	header = (uint16_t)((ip[0] & 15) * 4);
	if (header < IPV4_HEADER || header > room)
		return;
	fragment = packet_read16(ip + 6);
	packet->version = 4;
	packet->l3_end = (uint16_t)(packet->l3 + header);
	packet->protocol = ip[9];
	packet->fragment = fragment & IPV4_FRAGMENT;
	packet->complete = true;
	if (!(fragment & IPV4_OFFSET))
		packet->l4 = packet->l3_end;
}

/* One extension header; false if it is none that is followed, or the last. */
static bool extension_skip(struct packet *packet, const uint8_t *head, size_t len, uint32_t *at)
{
	const uint8_t *extension = head + *at;
	uint32_t size;

	switch (packet->protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		if (*at + 8 > len)
			return false;
		size = 8 + extension[1] * 8u;
		break;
	case IPPROTO_FRAGMENT:
		if (*at + 8 > len)
			return false;
		size = 8;
		packet->fragment |= packet_read16(extension + 2) & (IPV6_OFFSET | IPV6_MORE);
		if (packet_read16(extension + 2) & IPV6_OFFSET) {
			packet->protocol = extension[0];
			*at = 0; /* the rest belongs to the first fragment */
			packet->complete = true;
			return false;
		}
		break;
	case IPPROTO_AH:
		if (*at + 8 > len)
			return false;
		size = 8 + extension[1] * 4u;
		break;
	default:
		packet->complete = true;
		return false;
	}
	packet->protocol = extension[0];
	*at += size;
	return *at < len;
}

static void ipv6_parse(struct packet *packet, const uint8_t *head, size_t len)
{
	const uint8_t *ip = head + packet->l3;
	uint32_t at = packet->l3 + IPV6_HEADER;

	if (len - packet->l3 < IPV6_HEADER || ip[0] >> 4 != 6)
		return;
	packet->version = 6;
	packet->l3_end = (uint16_t)at;
	packet->protocol = ip[6];
	for (int i = 0; i < EXTENSIONS_MAX && extension_skip(packet, head, len, &at); i++)
		;
	if (packet->complete && at != 0)
		packet->l4 = (uint16_t)at;
}

bool packet_parse(struct packet *packet, const uint8_t *head, size_t len)
{
	size_t at = ETH_HEADER;

	memset(packet, 0, sizeof(*packet));
	if (len > PACKET_HEAD)
		len = PACKET_HEAD;
	if (len < ETH_HEADER)
		return false;
	packet->ethertype = packet_read16(head + 2 * (size_t)ETH_ALEN_);
	while ((packet->ethertype == ETH_P_8021Q || packet->ethertype == ETH_P_8021AD) &&
	       packet->tags < TAGS_MAX && at + 4 <= len) {
		packet->ethertype = packet_read16(head + at + 2);
		packet->tags++;
		at += 4;
	}
	packet->l3 = (uint16_t)at;
	if (packet->ethertype == ETH_P_IP)
		ipv4_parse(packet, head, len);
	else if (packet->ethertype == ETH_P_IPV6)
		ipv6_parse(packet, head, len);
	return true;
}

/* ---- checksums ---------------------------------------------------------------------------- */

uint64_t packet_sum(const uint8_t *data, size_t len, uint64_t sum)
{
	for (; len >= 2; data += 2, len -= 2)
		sum += packet_read16(data);
	if (len)
		sum += (uint64_t)data[0] << 8;
	return sum;
}

uint16_t packet_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint64_t packet_pseudo_sum(const struct packet *packet, const uint8_t *head, uint32_t len)
{
	const uint8_t *ip = head + packet->l3;
	uint64_t sum = (uint64_t)packet->protocol + (len >> 16) + (len & 0xffff);

	/* Both addresses stand side by side: RFC 793, 3.1; RFC 8200, 8.1. */
	return packet->version == 4 ? packet_sum(ip + 12, 8, sum) : packet_sum(ip + 8, 32, sum);
}
