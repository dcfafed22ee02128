// SPDX-License-Identifier: MIT
/*
 * xen/io/netif.h, "Guest transmit": a first request that says the size of the whole packet, extras
 * if it announces any, then the other fragments, each with its own size.  What the first one holds
 * is what the others leave.
 *
 * A pure function on private copies of slots.  What is refused, and how, is what Linux' netback
 * does: a packet that is merely wrong is answered with an error; what no frontend sends by mistake
 * ends the device.
 */
#include "netback/tx_parse.h"

#include <stddef.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "netback/packet.h"

enum {
	PAGE = 4096,
	EXTRA_TYPES = 6, /* Linux has one more than Xen's header: 5, XDP */
};

_Static_assert(sizeof(struct tx_slot) == sizeof(netif_tx_request_t) &&
		       sizeof(struct tx_slot) == sizeof(union netif_tx_sring_entry),
	       "a slot is a request");
_Static_assert(XEN_NETIF_NR_SLOTS_MIN + 1 == TX_FRAGS_MAX, "see netif.h");

static netif_tx_request_t slot_request(const struct tx_slot *slot)
{
	netif_tx_request_t request;

	memcpy(&request, slot, sizeof(request));
	return request;
}

static enum tx_verdict broken(struct tx_packet *packet, const char *why)
{
	packet->why = why;
	return TX_BROKEN;
}

/* The first complaint counts, and the rest is read all the same: its slots have to be answered. */
static void bad(struct tx_packet *packet, const char *why)
{
	if (!packet->why)
		packet->why = why;
}

static enum tx_verdict extra_take(struct tx_packet *packet, const struct netif_extra_info *extra)
{
	switch (extra->type) {
	case XEN_NETIF_EXTRA_TYPE_GSO:
		if (extra->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4 &&
		    extra->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6)
			return broken(packet, "sends a packet with an unknown type of GSO");
		if (extra->u.gso.size == 0)
			return broken(packet, "sends a GSO packet with segments of no size");
		packet->gso_type = extra->u.gso.type;
		packet->gso_size = extra->u.gso.size;
		break;
	case XEN_NETIF_EXTRA_TYPE_MCAST_ADD:
	case XEN_NETIF_EXTRA_TYPE_MCAST_DEL:
		packet->mcast_add = extra->type == XEN_NETIF_EXTRA_TYPE_MCAST_ADD;
		memcpy(packet->mcast, extra->u.mcast.addr, sizeof(packet->mcast));
		return TX_MCAST;
	default: /* a hash, which says nothing about where a packet goes; or of XDP */
		break;
	}
	return TX_SEND;
}

static enum tx_verdict extras_take(struct tx_packet *packet, const struct tx_slot *slots,
				   uint32_t count)
{
	enum tx_verdict verdict = TX_SEND, one;
	struct netif_extra_info extra;

	do {
		if (packet->slots >= count)
			return broken(packet, "announces an extra and does not send it");
		memcpy(&extra, &slots[packet->slots], sizeof(extra));
		packet->slots++;
		packet->extras++;
		if (extra.type == XEN_NETIF_EXTRA_TYPE_NONE || extra.type >= EXTRA_TYPES)
			return broken(packet, "sends an extra of an unknown type");
		one = extra_take(packet, &extra);
		if (one == TX_BROKEN)
			return one;
		if (one == TX_MCAST)
			verdict = one;
	} while (extra.flags & XEN_NETIF_EXTRA_FLAG_MORE);
	return verdict;
}

/* Fragments after the first; `left` is what the packet's size leaves for the first. */
static enum tx_verdict frags_take(struct tx_packet *packet, const struct tx_slot *slots,
				  uint32_t count, uint32_t *left)
{
	netif_tx_request_t request;
	uint32_t frags = 1;

	do {
		if (packet->slots >= count)
			return broken(packet, "announces a fragment and does not send it");
		if (++frags >= TX_FRAGS_FATAL + 1)
			return broken(packet, "sends a packet of too many fragments");
		request = slot_request(&slots[packet->slots++]);
		if (request.offset + request.size > PAGE)
			return broken(packet, "sends a fragment that crosses its page's end");
		if (frags > TX_FRAGS_MAX)
			bad(packet, "sends a packet of more fragments than are allowed");
		else if (request.size > *left)
			bad(packet, "sends fragments larger than their packet");
		if (packet->why)
			continue;
		*left -= request.size;
		packet->frags[packet->frag_count++] =
			(struct tx_frag){request.gref, request.offset, request.size};
	} while (request.flags & NETTXF_more_data);
	return TX_SEND;
}

enum tx_verdict tx_parse(struct tx_packet *packet, const struct tx_slot *slots, uint32_t count)
{
	netif_tx_request_t first = slot_request(&slots[0]);
	enum tx_verdict verdict = TX_SEND;
	uint32_t left = first.size;

	memset(packet, 0, offsetof(struct tx_packet, frags));
	packet->slots = 1;
	packet->size = first.size;
	packet->csum_blank = (first.flags & NETTXF_csum_blank) != 0;
	packet->data_validated = (first.flags & NETTXF_data_validated) != 0;
	packet->frag_count = 1;
	if (first.flags & NETTXF_extra_info)
		verdict = extras_take(packet, slots, count);
	if (verdict != TX_SEND)
		return verdict;
	if (first.flags & NETTXF_more_data)
		verdict = frags_take(packet, slots, count, &left);
	if (verdict != TX_SEND)
		return verdict;
	if (first.size < ETH_HEADER)
		bad(packet, "sends a packet shorter than an Ethernet header");
	if (packet->why)
		return TX_BAD;
	if (first.offset + left > PAGE)
		return broken(packet, "sends a fragment that crosses its page's end");
	packet->frags[0] = (struct tx_frag){first.gref, first.offset, (uint16_t)left};
	return TX_SEND;
}
