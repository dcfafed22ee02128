/* SPDX-License-Identifier: MIT */
/* One request of a guest, from its slot to its answer.  See request.c, request_run.c. */
#ifndef BLKBACK_REQUEST_H
#define BLKBACK_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "blkback/abi.h"
#include "blkback/buffer.h"
#include "blkback/disk.h"
#include "common/grant_cache.h"

/* What has to be done for a request, in this order: the lowest bit set is the next step. */
enum request_step {
	STEP_SEGMENTS = 1 << 0,	    /* an indirect request's list of segments, to be parsed then */
	STEP_COPY_IN = 1 << 1,	    /* the guest's data to our buffer */
	STEP_FLUSH_BEFORE = 1 << 2, /* earlier writes to stable storage */
	STEP_DATA = 1 << 3,	    /* the read, write or discard itself */
	STEP_FLUSH_AFTER = 1 << 4,  /* this write to stable storage */
	STEP_COPY_OUT = 1 << 5,	    /* our buffer to the guest's pages */
};

struct queue;

/* Owned by its queue, one for each slot of the ring; free ones are linked by `next`. */
struct request {
	struct disk_io io; /* first: an I/O's request is found by a cast */
	struct queue *queue;
	uint64_t id;
	uint64_t taken_ns; /* when it was taken off the ring */
	struct buffer buffer;
	int error;	 /* 0 or the first -errno */
	uint64_t sector; /* where on the disk an indirect request starts; may be past its end */
	uint32_t segments_ref; /* the page that STEP_SEGMENTS copies */
	uint16_t segment_count;
	uint8_t operation; /* of an indirect request the one that it stands for */
	uint8_t steps;	   /* still to do */
	bool mapped;	   /* its segments are persistent grants: no copies */
	bool alone; /* a barrier: starts when nothing else is under way, and nothing starts beside
		       it */
	struct request *next;
};

/* The operation that the answer to a slot names: an indirect request's is the one that it stands
 * for. */
uint8_t request_operation(const struct slot *slot);

/*
 * Checks a slot against the disk and fills the request (all but queue, buffer and next), the
 * segments of the buffer included.  Gives BLKIF_RSP_OKAY if it may be started, else the status to
 * answer with, and *why in a few words.  Pure: reads nothing but its arguments.
 */
int request_parse(struct request *request, const struct slot *slot, const struct disk_spec *disk,
		  const char **why);

/* The same for the list of segments that STEP_SEGMENTS has copied to the buffer. */
int request_parse_indirect(struct request *request, const struct disk_spec *disk, const char **why);

/* Where segment `i` starts in the request's data, and how long it is, in bytes. */
static inline uint16_t segment_offset(const struct slot_segment *segment)
{
	return (uint16_t)(segment->first_sect * DISK_SECTOR);
}

static inline uint16_t segment_bytes(const struct slot_segment *segment)
{
	return (uint16_t)((segment->last_sect - segment->first_sect + 1) * DISK_SECTOR);
}

/*
 * Sets io.verb and io.iov for the data: neighbouring segments become one piece.  They lie in the
 * buffer, or, if the request is mapped, in the pages of `cache`.
 */
void request_prepare_io(struct request *request, enum disk_verb verb,
			const struct grant_cache *cache);

#endif
