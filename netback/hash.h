/* SPDX-License-Identifier: MIT */
/* The hash of a packet, as a guest wants it told by its control ring.  See hash.c. */
#ifndef NETBACK_HASH_H
#define NETBACK_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netback/packet.h"

enum {
	HASH_KEY_MAX = 40,     /* Toeplitz over 36 bytes looks at as many: netif.h */
	HASH_MAPPING_MAX = 128 /* as Linux' netback has */
};

/* What the guest asked for.  Plain numbers: outlives the worker in the journal. */
struct hash {
	uint32_t algorithm; /* XEN_NETIF_CTRL_HASH_ALGORITHM_... */
	uint32_t flags;	    /* XEN_NETIF_CTRL_HASH_TYPE_... */
	uint8_t key[HASH_KEY_MAX];
	uint32_t mapping_size; /* 0: the queues' number */
	uint32_t mapping[HASH_MAPPING_MAX];
};

struct hash_value {
	uint8_t type; /* _XEN_NETIF_CTRL_HASH_TYPE_... */
	uint32_t value;
};

/* Toeplitz, by a key that is as long as it needs: bytes that are missing are 0.  Pure. */
uint32_t hash_toeplitz(const uint8_t key[HASH_KEY_MAX], const uint8_t *data, size_t len);

/* The packet's hash; false if none is wanted of such a packet.  Pure. */
bool hash_packet(const struct hash *hash, struct hash_value *value, const struct packet *packet,
		 const uint8_t *head, size_t len);

/*
 * The messages of the control ring that change it; XEN_NETIF_CTRL_STATUS_...  What they refer to by
 * a grant was copied before.  Pure.
 */
uint32_t hash_set_algorithm(struct hash *hash, uint32_t algorithm);
uint32_t hash_get_flags(const struct hash *hash, uint32_t *flags);
uint32_t hash_set_flags(struct hash *hash, uint32_t flags);
uint32_t hash_set_key(struct hash *hash, const uint8_t *key, uint32_t len);
uint32_t hash_set_mapping_size(struct hash *hash, uint32_t size);
/* True if a table of `count` entries at `offset` lies within the mapping. */
bool hash_mapping_fits(const struct hash *hash, uint32_t count, uint32_t offset);
uint32_t hash_set_mapping(struct hash *hash, const uint32_t *table, uint32_t count, uint32_t offset,
			  uint32_t queues);

/* What a worker before this one left may be anything: true if it can be used. */
bool hash_is_valid(const struct hash *hash, uint32_t queues);

#endif
