/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_BLKFRONT_PRIV_H
#define LOOPBACK_BLKFRONT_PRIV_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xenevtchn.h>

#include "loopback/barrier.h"
#include "loopback/blkfront.h"
#include <xen/io/protocols.h>
#include <xen/io/ring.h>

/*
 * The two x86 layouts differ in the 4 bytes of padding between `handle` and `id`, which the 32-bit
 * one has not; that is so for all kinds of request.  Responses differ only in padding at their end.
 */
struct blkfront_abi {
	const char *protocol;
	unsigned int entry; /* bytes of a ring entry */
	unsigned int gap;   /* bytes of padding before `id` */
};

extern const struct blkfront_abi blkfront_abi64, blkfront_abi32;

/* One request on the ring. */
struct blkfront_slot {
	struct blkfront_req *req; /* NULL: free */
	uint64_t first;		  /* its first sector, counted from req->sector */
	uint32_t sectors;
	uint32_t generation; /* high half of the id: an answer can't be taken twice */
	uint16_t next;	     /* of the free slots */
	uint8_t op;	     /* that the answer must name; of an indirect request, the inner one */
	uint16_t nr_bounce;
	uint32_t *bounce; /* pages borrowed, in the order of the segments */
};

struct blkfront_queue {
	struct blkfront *bf;
	struct blkfront_stats stats;
	int error; /* why it has dropped all it had; the others may go on for a while */

	/* The ring; used through ring.h's macros but for its entries, whose size depends on the
	 * ABI. */
	blkif_front_ring_t ring;
	xenevtchn_handle *evtchn; /* of its own: a handle belongs to one thread */
	evtchn_port_t port;
	int kick_fd; /* eventfd: another queue's thread learned something of the device */
	grant_ref_t ring_ref[1U << BLKFRONT_MAX_ORDER];

	/* Data pages: opts.buffer_pages of buffers, then the bounce pages. */
	char *data;
	grant_ref_t *data_ref;
	unsigned int data_pages;
	uint32_t *bounce; /* stack of free bounce pages: what the backend saw last is used first */
	unsigned int nr_bounce;

	/* Pages for lists of segments, bf->indirect_pages for each slot in turn. */
	struct blkif_request_segment *indirect;
	grant_ref_t *indirect_ref;

	unsigned int in_flight; /* requests on the ring */
	uint16_t free_slot;
	uint32_t *slot_bounce; /* the slots' lists */
	struct blkfront_slot slot[BLKFRONT_MAX_ENTRIES];
	struct blkfront_req *head, **tail; /* not yet wholly on the ring, in order */
	struct blkfront_req *failed;	   /* waiting for a poll to call done() */

	uint64_t wait_ns; /* smoothed time from having nothing to do to the next response */
	uint32_t naps,
		nap_limit; /* sleeps since it was last tried to spin, and until it is again */
};

struct blkfront {
	struct guest *guest;
	struct front front;
	struct blkfront_opts opts;
	struct blkfront_info info;
	const struct blkfront_abi *abi;
	unsigned int ring_pages;
	unsigned int indirect_pages; /* of each slot */
	struct blkfront_queue *queue[BLKFRONT_MAX_QUEUES];

	/* Written by whichever thread learns of it, read by all: atomically. */
	int error;
	uint64_t closing_end; /* the backend wants to close: when to stop waiting for answers; 0: no
			       */
	bool closing_told;

	bool published; /* our keys are in the store */
};

/* Segments that a read or write may have. */
static inline unsigned int blkfront_segments(const struct blkfront *bf)
{
	return bf->info.indirect ? bf->info.indirect : BLKFRONT_SEGMENTS;
}

/* The entry's place in the shared ring.  Not by ring[], which the compiler believes has one
 * element. */
static inline char *blkfront_entry(const struct blkfront_queue *q, RING_IDX idx)
{
	return (char *)q->ring.sring + offsetof(struct blkif_sring, ring) +
	       (size_t)(idx & (q->ring.nr_ents - 1)) * q->bf->abi->entry;
}

/* The first @len bytes of a native request into the entry, in the layout of the ABI. */
static inline void blkfront_put(const struct blkfront_queue *q, RING_IDX idx, const void *req,
				size_t len)
{
	char *to = blkfront_entry(q, idx);

	memcpy(to, req, 4);
	memcpy(to + 4 + q->bf->abi->gap, (const char *)req + 8, len - 8);
}

/* CLOCK_MONOTONIC, ns. */
uint64_t blkfront_clock(void);

/* blkfront_queue.c: 0 or -errno, after one sentence; what it failed to open is still to be closed.
 */
int blkfront_queue_open(struct blkfront *bf, unsigned int i);
void blkfront_queue_close(struct blkfront_queue *q);
int blkfront_open_error(const struct blkfront *bf, int err, const char *what); /* returns @err */

/* blkfront_keys.c: write what names our rings, and state 3.  0 or -errno. */
int blkfront_keys_publish(struct blkfront *bf);

/* blkfront_req.c */
void blkfront_slots_init(struct blkfront_queue *q);
void blkfront_pump(
	struct blkfront_queue *q); /* put queued requests on the ring, as far as there is room */
void blkfront_slot_release(struct blkfront_queue *q, struct blkfront_slot *slot);
void blkfront_slot_copy(struct blkfront_queue *q,
			struct blkfront_slot *slot); /* a read's data, to its buf */

/* blkfront_ring.c */
void blkfront_ring_init(struct blkfront_queue *q, void *pages);
void blkfront_fail(struct blkfront *bf, int err, const char *why);
void blkfront_kick(struct blkfront *bf); /* wake whoever sleeps in one of the queues */

/* blkfront.c */
void blkfront_backend_changed(struct blkfront *bf);

#endif
