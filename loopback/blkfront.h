/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_BLKFRONT_H
#define LOOPBACK_BLKFRONT_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/io/blkif.h>

#include "loopback/guest.h"

#define BLKFRONT_SECTOR                                                                            \
	512U /* unit of all sector numbers and counts, whatever sector-size says                   \
	      */
#define BLKFRONT_PAGE	       4096U
#define BLKFRONT_MAX_ORDER     4
#define BLKFRONT_MAX_ENTRIES   (32U << BLKFRONT_MAX_ORDER)
#define BLKFRONT_SEGMENTS      BLKIF_MAX_SEGMENTS_PER_REQUEST
#define BLKFRONT_PIECE_SECTORS (BLKFRONT_SEGMENTS * BLKFRONT_PAGE / BLKFRONT_SECTOR)

#define BLKFRONT_MAX_QUEUES 64
/* Segments of the longest indirect request; what a backend offers is less, 256 for example. */
#define BLKFRONT_PAGE_SEGMENTS (BLKFRONT_PAGE / sizeof(struct blkif_request_segment))
#define BLKFRONT_MAX_INDIRECT  (BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST * BLKFRONT_PAGE_SEGMENTS)

/*
 * A disk, and one of its queues: a ring with an event channel and data pages of its own.  Each
 * queue may be used by another thread, one at a time, and shares no lock and no counter with its
 * neighbours.  The disk is opened and closed by one thread, with no other in its queues.
 */
struct blkfront;
struct blkfront_queue;

/*
 * One operation, owned by the caller from blkfront_submit() until done() is called.  Reads and
 * writes may be of any length: they become several ring requests, in any order.
 */
struct blkfront_req {
	uint8_t op;	  /* BLKIF_OP_READ, _WRITE, _WRITE_BARRIER, _FLUSH_DISKCACHE, _DISCARD */
	uint64_t sector;  /* unused by flush */
	uint64_t sectors; /* 0 for flush; a barrier must fit one ring request, and may be 0 */
	void *buf;	  /* best from blkfront_buffer(): then no copy is made */
	void (*done)(struct blkfront_req *req,
		     int err); /* err: 0, -EIO, -EOPNOTSUPP, -ESHUTDOWN.. */
	void *owner;

	struct blkfront_req *next; /* from here on: blkfront's */
	uint64_t issued;	   /* sectors put on the ring so far */
	unsigned int pieces;	   /* ring requests in flight for it */
	int err;
	bool direct; /* buf is in blkfront_buffer()'s pages */
	bool whole;  /* all of it was put on the ring */
};

struct blkfront_opts {
	unsigned int queues;	   /* wanted; fewer if the backend offers fewer; 0: 1 */
	unsigned int ring_order;   /* 0-4, pages of each ring as a power of two */
	unsigned int indirect;	   /* segments wanted in a request; up to the backend's; 0: none */
	bool persistent;	   /* promise to use the same grants again and again */
	bool abi32;		   /* speak x86_32-abi */
	unsigned int buffer_pages; /* of each queue, for blkfront_buffer() */
	unsigned int bounce_pages; /* of each queue, to copy other memory through, at least 11;
				      both 0: plenty */
	unsigned int spin_us;	   /* most to spin before sleeping; 0: never */
	int timeout_ms;	      /* for each of the backend's changes of state; 0: GUEST_TIMEOUT */
	int wake_fd;	      /* blkfront_wait() returns when it is readable too; 0: none */
	const int *wake_fds;  /* or one for each queue, which is woken alone; NULL: none */
	bool readonly_grants; /* hostile: data pages the backend can't write to */
	const struct front_key *keys; /* hostile: written last, over what we wrote */
	size_t nr_keys;
};

struct blkfront_info {
	uint64_t sectors; /* of 512 bytes */
	uint32_t sector_size;
	uint32_t physical_sector_size;
	bool readonly;
	bool flush, barrier, discard;
	uint32_t discard_granularity, discard_alignment;       /* bytes */
	unsigned int max_ring_order, max_queues, max_indirect; /* the backend's offers */
	unsigned int queues;				       /* that we have */
	unsigned int indirect; /* segments that a request may have by indirect pages; 0: none */
	bool persistent;       /* both sides promised it */
};

/* What a queue cost; only ever grows. */
struct blkfront_stats {
	uint64_t requests;	/* put on the ring */
	uint64_t indirect;	/* of these, how many by indirect pages */
	uint64_t responses;	/* taken off it */
	uint64_t pushes;	/* batches of requests */
	uint64_t notifies;	/* of these, how many the backend wanted to be told of */
	uint64_t sleeps, wakes; /* times we slept; events that woke us */
};

/*
 * Connect the guest's disk @devid.  NULL with errno set on failure; the reason is on stderr.
 * @opts may be NULL: one queue with a ring of one page, 64-bit ABI.
 */
struct blkfront *blkfront_open(struct guest *g, unsigned int devid,
			       const struct blkfront_opts *opts);

/* Close in order and free.  Requests still in flight are done with -ESHUTDOWN.  0 or -errno. */
int blkfront_close(struct blkfront *bf);

/* Valid until blkfront_close(); `sectors` follows an online resize. */
const struct blkfront_info *blkfront_info(const struct blkfront *bf);

/* ---- a queue ------------------------------------------------------------------------------ */

/* Queue @i, 0 to info->queues - 1; NULL beyond.  Valid until blkfront_close(). */
struct blkfront_queue *blkfront_queue(struct blkfront *bf, unsigned int i);

const struct blkfront_stats *blkfront_stats(const struct blkfront_queue *q);

/* Page @page of the buffers that are granted to the backend, opts->buffer_pages of them. */
void *blkfront_buffer(const struct blkfront_queue *q, unsigned int page);

/* Ring requests that may be in flight. */
unsigned int blkfront_entries(const struct blkfront_queue *q);

/*
 * Queue a request; it is seen by the backend at the next blkfront_push().  0, -EINVAL for what
 * can't be put into a request, or the error that closed the device.  done() is never called from
 * here.
 */
int blkfront_submit(struct blkfront_queue *q, struct blkfront_req *req);

/* Show the backend what was queued, and notify it if it asked for that.  One call per batch. */
void blkfront_push(struct blkfront_queue *q);

/* Take responses, call done() for what is complete, push what was queued meanwhile.  Number taken.
 */
unsigned int blkfront_poll(struct blkfront_queue *q);

/*
 * As blkfront_poll(), but when there is nothing, spin shortly and then sleep until there is.
 * Returns what was taken; 0 when wake_fd is readable; -ETIMEDOUT after @timeout_ms (-1: never);
 * -EINTR; or the error that closed the device, once nothing is left to be done().
 */
int blkfront_wait(struct blkfront_queue *q, int timeout_ms);

/*
 * Give the backend up: all that is in flight on any queue is done with @err (negative) by its
 * queue's next poll.
 */
void blkfront_cancel(struct blkfront_queue *q, int err);

/* 0, or why the device can't be used any more; blkfront_close() is all that is left then. */
int blkfront_error(const struct blkfront_queue *q);

/* ---- for tests of hostile frontends: no check, no bookkeeping ------------------------------ */

/* The shared ring's indices. */
struct blkif_sring *blkfront_raw_ring(struct blkfront_queue *q);

/* Entry @idx of the ring, as the chosen ABI lays it out. */
void *blkfront_raw_entry(const struct blkfront_queue *q, RING_IDX idx);

/* The grant of data page @page: buffers first, then the bounce pages. */
grant_ref_t blkfront_raw_ref(const struct blkfront_queue *q, unsigned int page);

/* The grant of ring page @page. */
grant_ref_t blkfront_raw_ring_ref(const struct blkfront_queue *q, unsigned int page);

/* Indirect page @page, and its grant; there are some for each entry if info->indirect is not 0. */
struct blkif_request_segment *blkfront_raw_indirect(const struct blkfront_queue *q,
						    unsigned int page, grant_ref_t *ref);

/* Put any request, laid out as the native struct, into the next entry; blkfront_raw_push() shows
 * it. */
void blkfront_raw_put(struct blkfront_queue *q, const blkif_request_t *req);

/* Set req_prod to @prod, whatever that means, and notify. */
void blkfront_raw_push(struct blkfront_queue *q, RING_IDX prod);

/* Our own producer index, the honest argument to the call above. */
RING_IDX blkfront_raw_prod(const struct blkfront_queue *q);

/* The next response, whatever it says.  0, -ETIMEDOUT, or -EINTR. */
int blkfront_raw_response(struct blkfront_queue *q, blkif_response_t *rsp, int timeout_ms);

/* True if the backend notifies us, or has before, within `timeout_ms`. */
bool blkfront_raw_woken(struct blkfront_queue *q, int timeout_ms);
/* Passes over all responses that are there. */
void blkfront_raw_skip(struct blkfront_queue *q);

/* The device below, for writing states and keys by hand. */
struct front *blkfront_front(struct blkfront *bf);

#endif
