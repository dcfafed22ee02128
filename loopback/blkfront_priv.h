/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_BLKFRONT_PRIV_H
#define LOOPBACK_BLKFRONT_PRIV_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
	uint8_t op;
	uint8_t nr_bounce;
	uint32_t bounce[BLKFRONT_SEGMENTS]; /* pages borrowed, in the order of the segments */
};

struct blkfront {
	struct guest *guest;
	struct front front;
	struct blkfront_opts opts;
	struct blkfront_info info;
	struct blkfront_stats stats;
	const struct blkfront_abi *abi;
	int error;

	/* The ring; used through ring.h's macros but for its entries, whose size depends on the
	 * ABI. */
	blkif_front_ring_t ring;
	evtchn_port_t port;
	unsigned int ring_pages;
	grant_ref_t ring_ref[1U << BLKFRONT_MAX_ORDER];

	/* Data pages: opts.buffer_pages of buffers, then the bounce pages. */
	char *data;
	grant_ref_t *data_ref;
	unsigned int data_pages;
	uint32_t *bounce; /* stack of free bounce pages */
	unsigned int nr_bounce;

	unsigned int in_flight; /* requests on the ring */
	uint16_t free_slot;
	struct blkfront_slot slot[BLKFRONT_MAX_ENTRIES];
	struct blkfront_req *head, **tail; /* not yet wholly on the ring, in order */
	struct blkfront_req *failed;	   /* waiting for a poll to call done() */

	uint64_t spin_ns;     /* how long to spin before the next sleep */
	uint64_t closing_end; /* the backend wants to close: when to stop waiting for answers; 0: no
			       */
};

/* The entry's place in the shared ring.  Not by ring[], which the compiler believes has one
 * element. */
static inline char *blkfront_entry(const struct blkfront *bf, RING_IDX idx)
{
	return (char *)bf->ring.sring + offsetof(struct blkif_sring, ring) +
	       (size_t)(idx & (bf->ring.nr_ents - 1)) * bf->abi->entry;
}

/* The first @len bytes of a native request into the entry, in the layout of the ABI. */
static inline void blkfront_put(const struct blkfront *bf, RING_IDX idx, const void *req,
				size_t len)
{
	char *to = blkfront_entry(bf, idx);

	memcpy(to, req, 4);
	memcpy(to + 4 + bf->abi->gap, (const char *)req + 8, len - 8);
}

/* CLOCK_MONOTONIC, ns. */
uint64_t blkfront_clock(void);

/* blkfront_req.c */
void blkfront_slots_init(struct blkfront *bf);
void blkfront_pump(
	struct blkfront *bf); /* put queued requests on the ring, as far as there is room */
void blkfront_slot_release(struct blkfront *bf, struct blkfront_slot *slot);
void blkfront_slot_copy(struct blkfront *bf,
			struct blkfront_slot *slot); /* a read's data, to its buf */

/* blkfront_ring.c */
void blkfront_ring_init(struct blkfront *bf, void *pages);
void blkfront_fail(struct blkfront *bf, int err, const char *why);

/* blkfront.c */
void blkfront_backend_changed(struct blkfront *bf);

#endif
