/* SPDX-License-Identifier: MIT */
/* Offloads, as netif.h says them and as a tap's virtio_net_hdr does.  See vnet.c. */
#ifndef NETBACK_VNET_H
#define NETBACK_VNET_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/virtio_net.h>

#include "netback/packet.h"
#include "netback/tx_parse.h"

/* struct virtio_net_hdr in this machine's byte order, as taps have it (TUNSETVNETLE is not set). */
struct vnet_header {
	uint8_t flags;	  /* VIRTIO_NET_HDR_F_... */
	uint8_t gso_type; /* VIRTIO_NET_HDR_GSO_... */
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
};

enum {
	VNET_HEADER = sizeof(struct vnet_header)
};

_Static_assert(sizeof(struct vnet_header) == sizeof(struct vnet_header), "see virtio_net.h");

/* What a guest's frontend takes; bits of vif_connect.features. */
enum vnet_feature {
	VNET_SG = 1,   /* packets of more than one slot */
	VNET_GSO4 = 2, /* TCP super-frames */
	VNET_GSO6 = 4,
	VNET_CSUM4 = 8, /* packets whose checksum is blank */
	VNET_CSUM6 = 16,
	VNET_RX_NOTIFY = 32, /* it notifies us of new slots */
};

/*
 * The header of a packet from a guest.  `head` is the first bytes of the frame, of which `packet`
 * was made; it is changed where a checksum has to be begun anew.  0, or -EINVAL with *why: a
 * predicate of "the guest".
 */
int vnet_from_guest(struct vnet_header *header, const struct tx_packet *tx,
		    const struct packet *packet, uint8_t *head, const char **why);

/* A packet to a guest: flags and GSO of its first slot. */
struct vnet_rx {
	uint16_t flags; /* NETRXF_... */
	uint16_t gso_size;
	uint8_t gso_type; /* XEN_NETIF_GSO_TYPE_... */
};

/*
 * What a frame of the tap's is to the guest.  A checksum that the guest can't take blank is
 * computed.  False if the guest can't take the packet at all.
 */
bool vnet_to_guest(struct vnet_rx *rx, const struct vnet_header *header, uint8_t *frame,
		   uint32_t len, uint32_t features);

#endif
