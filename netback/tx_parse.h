/* SPDX-License-Identifier: MIT */
/* A packet that a guest sends, as its slots say it.  See tx_parse.c. */
#ifndef NETBACK_TX_PARSE_H
#define NETBACK_TX_PARSE_H

#include <stdint.h>

enum {
	TX_SLOT_WORDS = 3,
	TX_FRAGS_MAX = 19,   /* XEN_NETIF_NR_SLOTS_MIN, and as Linux counts, one more */
	TX_FRAGS_FATAL = 21, /* from here on it is no mistake any more: likewise */
};

/* A slot of the ring, copied out: a netif_tx_request or a netif_extra_info. */
struct tx_slot {
	uint32_t word[TX_SLOT_WORDS];
};

enum tx_verdict {
	TX_SEND,   /* a packet */
	TX_MCAST,  /* no packet, but a change of the guest's list of multicast addresses */
	TX_BAD,	   /* answered with an error */
	TX_BROKEN, /* the guest does not keep to the protocol: its device closes */
};

struct tx_frag {
	uint32_t ref;
	uint16_t offset; /* in the granted page; offset + size <= 4096 */
	uint16_t size;	 /* may be 0 */
};

struct tx_packet {
	uint32_t slots;	 /* that it takes of the ring, extras included */
	uint32_t extras; /* of them: they follow the first */
	uint32_t size;	 /* of the frame: the sum of its fragments */
	uint16_t frag_count;
	uint16_t gso_size; /* 0: none */
	uint8_t gso_type;  /* XEN_NETIF_GSO_TYPE_... */
	uint8_t csum_blank, data_validated;
	uint8_t mcast_add; /* of TX_MCAST: else it is taken off the list */
	uint8_t mcast[6];
	const char *why; /* what is wrong with it, as a predicate of "the guest" */
	struct tx_frag frags[TX_FRAGS_MAX];
};

/*
 * Reads the packet that begins at slots[0], of the `count` >= 1 that its guest has published.
 * packet->slots and ->extras are right whatever it gives, but with TX_BROKEN.  Pure.
 */
enum tx_verdict tx_parse(struct tx_packet *packet, const struct tx_slot *slots, uint32_t count);

#endif
