/* SPDX-License-Identifier: MIT */
/* A blkif ring, seen from the back.  See blkring.c. */
#ifndef BLKBACK_BLKRING_H
#define BLKBACK_BLKRING_H

#include "blkback/abi.h"
#include "common/ring.h"

enum {
	BLKRING_ORDER_MAX = RING_ORDER_MAX,
	BLKRING_PAGES_MAX = RING_PAGES_MAX
};

/* Owned by its vbd. */
struct blkring {
	struct ring base;
	const struct abi *abi;
};

/* How many requests fit a ring of 1 << order pages. */
uint32_t blkring_slots(uint32_t order, const struct abi *abi);
/* As ring_map(); the journal knows how far an earlier worker's requests were taken: req_cons. */
int blkring_map(struct blkring *ring, xengnttab_handle *xgt, uint16_t domid, const uint32_t *refs,
		uint32_t order, const struct abi *abi, bool resume);

/* Copies out the next request.  Only as often as ring_pending() said. */
void blkring_take(struct blkring *ring, struct slot *slot);
/* Writes a response; the guest sees it with the next push. */
void blkring_respond(struct blkring *ring, const struct slot_response *response);

#endif
