// SPDX-License-Identifier: MIT
/*
 * Translates offloads between netif.h's flags and extras and the header that a tap's frames have
 * (linux/virtio_net.h, IFF_VNET_HDR), so that super-frames and blank checksums pass whole.
 *
 * Pure functions on private memory.  A guest says only that a checksum is blank, so where it
 * stands is found here; and the kernel is given the length of a super-frame's headers, so that it
 * has them in one piece whatever the guest's fragments were (XSA-423).
 */
#include "netback/vnet.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

enum {
	TCP_HEADER = 20,
	TCP_CHECKSUM = 16,
	UDP_CHECKSUM = 6,
	DHCP_SERVER = 67,
	DHCP_CLIENT = 68,
};

static int refuse(const char **why, const char *what)
{
	*why = what;
	return -EINVAL;
}

static int gso_from_guest(struct vnet_header *header, const struct tx_packet *tx,
			  const struct packet *packet, const uint8_t *head, const char **why)
{
	int version = tx->gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? 4 : 6;
	uint32_t tcp, l4 = packet->l4;

	if (packet->version != version || packet->protocol != IPPROTO_TCP || !packet->l4 ||
	    packet->fragment || l4 + TCP_HEADER > PACKET_HEAD || l4 + TCP_HEADER > tx->size)
		return refuse(why, "sends a GSO packet that is no TCP packet of its type");
	tcp = (head[l4 + 12] >> 4) * 4u;
	if (tcp < TCP_HEADER || l4 + tcp > tx->size)
		return refuse(why, "sends a GSO packet whose TCP header is cut off");
	header->gso_type = version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	header->gso_size = tx->gso_size;
	header->hdr_len = (uint16_t)(l4 + tcp);
	return 0;
}

/* Linux' netback mends what frontends forget: the pseudo header's sum is begun for them. */
static void csum_begin(const struct tx_packet *tx, const struct packet *packet, uint8_t *head,
		       uint16_t offset)
{
	uint16_t sum = packet_fold(packet_pseudo_sum(packet, head, tx->size - packet->l4));

	packet_write16(head + packet->l4 + offset, sum);
}

static int csum_from_guest(struct vnet_header *header, const struct tx_packet *tx,
			   const struct packet *packet, uint8_t *head, const char **why)
{
	uint16_t offset = packet->protocol == IPPROTO_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;

	if (!packet->l4 || packet->fragment ||
	    (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP))
		return refuse(why,
			      "sends a packet with a blank checksum that is neither TCP nor UDP");
	if (packet->l4 + offset + 2u > tx->size || packet->l4 + offset + 2u > PACKET_HEAD)
		return refuse(why, "sends a packet that ends before its blank checksum");
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = packet->l4;
	header->csum_offset = offset;
	if (!tx->csum_blank)
		csum_begin(tx, packet, head, offset);
	return 0;
}

int vnet_from_guest(struct vnet_header *header, const struct tx_packet *tx,
		    const struct packet *packet, uint8_t *head, const char **why)
{
	int err = 0;

	memset(header, 0, sizeof(*header));
	if (tx->gso_size)
		err = gso_from_guest(header, tx, packet, head, why);
	if (err == 0 && (tx->gso_size || tx->csum_blank))
		err = csum_from_guest(header, tx, packet, head, why);
	else if (tx->data_validated)
		header->flags = VIRTIO_NET_HDR_F_DATA_VALID;
	return err;
}

/* ---- to the guest ------------------------------------------------------------------------- */

static bool gso_to_guest(struct vnet_rx *rx, const struct vnet_header *header, uint32_t features)
{
	switch (header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		rx->gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
		rx->gso_size = header->gso_size;
		return features & VNET_GSO4;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		rx->gso_type = XEN_NETIF_GSO_TYPE_TCPV6;
		rx->gso_size = header->gso_size;
		return features & VNET_GSO6;
	default:
		return false;
	}
}

/*
 * DHCP clients read whole frames, and old ones drop those with a blank checksum though they were
 * told that it is blank.
 */
static bool is_dhcp(const uint8_t *frame, uint32_t len, const struct vnet_header *header)
{
	const uint8_t *udp = frame + header->csum_start;

	if (header->csum_offset != UDP_CHECKSUM || header->csum_start + 8u > len)
		return false;
	return packet_read16(udp) == DHCP_SERVER && packet_read16(udp + 2) == DHCP_CLIENT;
}

static void csum_fill(uint8_t *frame, uint32_t len, const struct vnet_header *header)
{
	uint8_t *part = frame + header->csum_start;
	uint16_t sum = (uint16_t)~packet_fold(packet_sum(part, len - header->csum_start, 0));

	/* 0 means "none" to UDP: RFC 768. */
	if (sum == 0 && header->csum_offset == UDP_CHECKSUM)
		sum = 0xffff;
	packet_write16(part + header->csum_offset, sum);
}

bool vnet_to_guest(struct vnet_rx *rx, const struct vnet_header *header, uint8_t *frame,
		   uint32_t len, uint32_t features)
{
	uint16_t ethertype = packet_read16(frame + 2 * (size_t)ETH_ALEN_);
	bool blank;

	memset(rx, 0, sizeof(*rx));
	if (!gso_to_guest(rx, header, features))
		return false;
	if (header->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		rx->flags = NETRXF_data_validated;
	if (!(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	rx->flags = NETRXF_data_validated;
	if ((uint32_t)header->csum_start + header->csum_offset + 2 > len)
		return false;
	blank = features & (ethertype == 0x86dd ? VNET_CSUM6 : VNET_CSUM4);
	if (rx->gso_size || (blank && !is_dhcp(frame, len, header)))
		rx->flags |= NETRXF_csum_blank;
	else
		csum_fill(frame, len, header);
	return true;
}
