/* SPDX-License-Identifier: MIT */
/* A blkif ring, seen from the back: indices, slots, pushes.  See blkring.c. */
#ifndef BLKBACK_BLKRING_H
#define BLKBACK_BLKRING_H

#include <stdbool.h>
#include <stdint.h>

#include <xengnttab.h>

#include "blkback/abi.h"
#include "common/guest.h"

enum {
	BLKRING_ORDER_MAX = 4,
	BLKRING_PAGES_MAX = 1 << BLKRING_ORDER_MAX
};

struct sring; /* the shared page; only blkring.c knows how it looks */

/* Owned by its vbd. The indices here are ours alone; the guest has its copies in the shared page.
 */
struct blkring {
	struct sring __guest *shared;
	const struct abi *abi;
	uint32_t pages;
	uint32_t slots;	       /* a power of two */
	uint32_t req_cons;     /* next request to take */
	uint32_t rsp_prod_pvt; /* next response to write */
	uint32_t rsp_pushed;   /* what the guest knows of it */
};

/* How many requests fit a ring of 1 << order pages. */
uint32_t blkring_slots(uint32_t order, const struct abi *abi);
/*
 * Maps the ring's pages and attaches: at 0, or, to go on after an earlier worker, at the shared
 * rsp_prod; the journal knows how far its requests were taken: req_cons.  0 or -errno.
 */
int blkring_map(struct blkring *ring, xengnttab_handle *xgt, uint16_t domid, const uint32_t *refs,
		uint32_t order, const struct abi *abi, bool resume);
void blkring_unmap(struct blkring *ring, xengnttab_handle *xgt);

/* Requests to take, read once from the shared page; -EPROTO if there are more than fit. */
int blkring_pending(struct blkring *ring);
/* Copies out the next request.  Only as often as blkring_pending() said. */
void blkring_take(struct blkring *ring, struct slot *slot);
/* A cheap look: how many requests there seem to be.  A hint, not checked. */
uint32_t blkring_peek(const struct blkring *ring);
/* Asks the guest to notify its next request; true if one came meanwhile. */
bool blkring_sleep(struct blkring *ring);
/* Writes a response; the guest sees it with the next push. */
void blkring_respond(struct blkring *ring, const struct slot_response *response);
/* How many responses the guest does not see yet. */
static inline uint32_t blkring_unseen(const struct blkring *ring)
{
	return ring->rsp_prod_pvt - ring->rsp_pushed;
}
/* Shows the guest all responses written; true if it asked to be notified. */
bool blkring_push(struct blkring *ring);

#endif
