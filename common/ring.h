/* SPDX-License-Identifier: MIT */
/* A shared ring of xen/io/ring.h, seen from the back: indices, slots, pushes.  See ring.c. */
#ifndef COMMON_RING_H
#define COMMON_RING_H

#include <stdbool.h>
#include <stdint.h>

#include <xengnttab.h>

#include "common/guest.h"

enum {
	RING_ORDER_MAX = 4,
	RING_PAGES_MAX = 1 << RING_ORDER_MAX
};

/*
 * The last answers to a ring, in a journal.  A response takes the place of a request in the shared
 * page, so a worker that dies between the first of a batch and rsp_prod would leave the next one
 * requests that are none any more; this one has what they were answered.  For rings of up to 256
 * slots whose responses have up to 3 words.  A stranger's bytes here reach only this ring.
 */
enum {
	RING_ANSWERS = 256,
	RING_ANSWER_WORDS = 3
};

struct ring_answers {
	uint32_t until; /* those of requests before this index are final; here are the last ones */
	uint32_t words[RING_ANSWERS][RING_ANSWER_WORDS];
};

struct sring; /* the shared page; only ring.c knows how it looks */

/*
 * Owned by its device.  The indices here are ours alone; the guest has its copies in the shared
 * page.
 */
struct ring {
	struct sring __guest *shared; /* NULL: not mapped */
	uint32_t pages;
	uint32_t slot_size;    /* bytes from one slot to the next */
	uint32_t slots;	       /* a power of two */
	uint32_t req_cons;     /* next request to take; who takes it moves it */
	uint32_t rsp_prod_pvt; /* next response to write; likewise */
	uint32_t rsp_pushed;   /* what the guest knows of it */
	struct ring_answers
		*answers; /* the journal's; NULL: responses are written by ring_slot() */
};

/* How many requests fit a ring of 1 << order pages. */
uint32_t ring_slots(uint32_t order, uint32_t slot_size);
/*
 * Maps the ring's pages and attaches: at 0, or, to go on after an earlier worker, at the shared
 * rsp_prod, with nothing taken that is not answered.  Before that `answers`, if there are any, are
 * shown as far as that worker did not.  0 or -errno.
 */
int ring_map(struct ring *ring, xengnttab_handle *xgt, uint16_t domid, const uint32_t *refs,
	     uint32_t order, uint32_t slot_size, bool resume, struct ring_answers *answers);
/* Safe on a ring that is not mapped. */
void ring_unmap(struct ring *ring, xengnttab_handle *xgt);

/* Where the request, and later the response, of an index stands. */
void __guest *ring_slot(const struct ring *ring, uint32_t index);
/* Requests to take, read once from the shared page; -EPROTO if there are more than fit. */
int ring_pending(const struct ring *ring);
/* A cheap look: how many requests there seem to be.  A hint, not checked. */
uint32_t ring_peek(const struct ring *ring);
/* Asks the guest to notify when `count` requests are there; true if they came meanwhile. */
bool ring_sleep_until(const struct ring *ring, uint32_t count);
/* Asks the guest to notify its next request; true if one came meanwhile. */
static inline bool ring_sleep(const struct ring *ring)
{
	return ring_sleep_until(ring, 1);
}
/* How many responses the guest does not see yet. */
static inline uint32_t ring_unseen(const struct ring *ring)
{
	return ring->rsp_prod_pvt - ring->rsp_pushed;
}
/* The next response of a ring that has answers: ring_push() writes it. */
void ring_respond(struct ring *ring, const void *response, size_t words);
/* Shows the guest all responses; true if it asked to be notified. */
bool ring_push(struct ring *ring);

#endif
