/* SPDX-License-Identifier: MIT */
/* What stands at the head of an Ethernet frame.  See packet.c. */
#ifndef NETBACK_PACKET_H
#define NETBACK_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ETH_ALEN_ = 6,
	ETH_HEADER = 14,
	/*
	 * As much of a frame as its headers are looked for in: two VLAN tags, 60 bytes of IPv4
	 * or 128 of IPv6 with its extensions, and 60 of TCP.
	 */
	PACKET_HEAD = 256,
};

/* Where the headers are; offsets from the frame's start, 0: there is none, or it is cut off. */
struct packet {
	uint16_t ethertype; /* behind VLAN tags; host order */
	uint16_t tags;	    /* VLAN tags before it */
	uint16_t l3;
	uint16_t l3_end;  /* of the IP header without extensions */
	uint16_t l4;	  /* only if its first bytes are in this frame: no later fragment */
	uint8_t protocol; /* IPPROTO_...; of IPv6 behind the extensions that were followed */
	uint8_t version;  /* 4 or 6; 0: no IP */
	bool fragment;	  /* part of a fragmented packet */
	bool complete;	  /* all extension headers could be followed */
};

/* `len` bytes of a frame's head, private memory.  Pure; true if it holds an Ethernet header. */
bool packet_parse(struct packet *packet, const uint8_t *head, size_t len);

/* A word of the frame, which need not be aligned; network to host order. */
static inline uint16_t packet_read16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void packet_write16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/*
 * The sum of 16-bit words in network order, not folded: RFC 1071.  `sum` is of what came before, of
 * an even number of bytes.  Pure.
 */
uint64_t packet_sum(const uint8_t *data, size_t len, uint64_t sum);
uint16_t packet_fold(uint64_t sum);
/* Of the pseudo header of a packet whose TCP or UDP part has `len` bytes, not folded.  Pure. */
uint64_t packet_pseudo_sum(const struct packet *packet, const uint8_t *head, uint32_t len);

#endif
