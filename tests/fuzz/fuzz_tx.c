// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any slots as a guest's TX ring, and any bytes as the head of a frame.
 * Whatever tx_parse() lets pass lies within its pages and adds up; what the offloads say of a frame
 * lies within it; and what anti-spoofing lets pass comes from the guest's own addresses.  `make
 * fuzz` runs it for a while.
 */
#include <stdint.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "netback/hash.h"
#include "netback/spoof.h"
#include "netback/vnet.h"
#include "tests/fuzz/fuzz.h"

enum {
	SLOTS = 24
};

static const uint8_t mac[6] = {0x00, 0x16, 0x3e, 1, 2, 3};

static void check_slots(struct bytes *in, struct tx_packet *packet)
{
	struct tx_slot slots[SLOTS];
	uint32_t sum = 0;
	uint8_t count;

	bytes_take(in, &count, 1);
	count = (uint8_t)(count % SLOTS + 1);
	bytes_take(in, slots, sizeof(slots));
	switch (tx_parse(packet, slots, count)) {
	case TX_BROKEN:
		check(packet->why != NULL);
		return;
	case TX_BAD:
		check(packet->why != NULL);
		break;
	case TX_MCAST:
		check(packet->extras >= 1);
		break;
	case TX_SEND:
		check(packet->frag_count >= 1 && packet->frag_count <= TX_FRAGS_MAX);
		check(packet->size >= ETH_HEADER && packet->size <= 0xffff);
		for (uint32_t i = 0; i < packet->frag_count; i++) {
			check(packet->frags[i].offset + packet->frags[i].size <= 4096);
			sum += packet->frags[i].size;
		}
		check(sum == packet->size);
		check(packet->slots == packet->frag_count + packet->extras);
		check(!packet->gso_size == !packet->gso_type);
		break;
	}
	check(packet->slots >= 1 && packet->slots <= count && packet->extras < packet->slots);
}

static void check_offload(const struct tx_packet *tx, const struct packet *packet, uint8_t *head)
{
	struct vnet_header header;
	const char *why = NULL;

	if (vnet_from_guest(&header, tx, packet, head, &why) < 0) {
		check(why != NULL);
		return;
	}
	if (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		check(header.csum_start + header.csum_offset + 2u <= tx->size);
	if (header.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		check(header.gso_size > 0 && header.hdr_len <= tx->size);
		check(header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
	}
}

static bool own_ipv4(const uint8_t *address)
{
	static const uint8_t own[4] = {10, 0, 0, 5}, none[4];

	return memcmp(address, own, 4) == 0 || memcmp(address, none, 4) == 0;
}

/* By the letter of the wire, without the parser: what passes has its source where it has to be. */
static void check_source(const struct spoof *spoof, const struct packet *packet,
			 const uint8_t *head, size_t len)
{
	uint16_t type = packet_read16(head + 12);

	if (spoof_check(spoof, packet, head, len))
		return;
	check(memcmp(head + 6, mac, 6) == 0);
	check(type == 0x0800 || type == 0x0806 || type == 0x86dd);
	if (type == 0x0800)
		check(len >= 34 && own_ipv4(head + 26));
	if (type == 0x0806)
		check(len >= 42 && memcmp(head + 22, mac, 6) == 0 && own_ipv4(head + 28));
	/* A router advertisement right behind the header. */
	if (type == 0x86dd)
		check(len >= 54 && !(head[20] == 58 && len > 54 && head[54] == 134));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};
	struct spoof spoof = {.mode = SPOOF_IP};
	struct tx_packet tx;
	struct vnet_rx rx;
	struct vnet_header header;
	struct packet packet;
	struct hash_value value;
	struct hash hash = {.algorithm = 1, .flags = 15};
	uint8_t head[PACKET_HEAD];
	size_t len;

	memcpy(spoof.mac, mac, sizeof(mac));
	check(spoof_parse_nets(&spoof, "10.0.0.5 fd00::5") == 0);
	check_slots(&in, &tx);
	bytes_take(&in, &header, sizeof(header));
	len = in.left < sizeof(head) ? in.left : sizeof(head);
	bytes_take(&in, head, sizeof(head));
	if (!packet_parse(&packet, head, len))
		return 0;
	check(packet.l3 <= len && packet.l4 <= len && packet.l3_end <= len);
	check_source(&spoof, &packet, head, len);
	hash_packet(&hash, &value, &packet, head, len);
	if (tx.size >= len && len > 0)
		check_offload(&tx, &packet, head);
	if (vnet_to_guest(&rx, &header, head, (uint32_t)len, 63))
		check(!rx.gso_size || rx.gso_type);
	return 0;
}
