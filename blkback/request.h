/* SPDX-License-Identifier: MIT */
/* One request of a guest, from its slot to its answer.  See request.c. */
#ifndef BLKBACK_REQUEST_H
#define BLKBACK_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "blkback/abi.h"
#include "blkback/disk.h"

enum {
	REQUEST_PAGE = 4096,
	REQUEST_DATA = SLOT_SEGMENTS * REQUEST_PAGE
};

/* What has to be done for a request, in this order: the lowest bit set is the next step. */
enum request_step {
	STEP_COPY_IN = 1 << 0,	    /* the guest's data to our buffer */
	STEP_FLUSH_BEFORE = 1 << 1, /* earlier writes to stable storage */
	STEP_DATA = 1 << 2,	    /* the read, write or discard itself */
	STEP_FLUSH_AFTER = 1 << 3,  /* this write to stable storage */
	STEP_COPY_OUT = 1 << 4,	    /* our buffer to the guest's pages */
};

struct vbd;

/* Owned by its ring, one for each slot; free ones are linked by `next`. */
struct request {
	struct disk_io io; /* first: an I/O's request is found by a cast */
	struct vbd *vbd;
	uint64_t id;
	char *data; /* REQUEST_DATA bytes, page aligned: segment i has page i */
	int error;  /* 0 or the first -errno */
	uint8_t operation;
	uint8_t segment_count;
	uint8_t steps; /* still to do */
	bool alone; /* a barrier: starts when nothing else is under way, and nothing starts beside
		       it */
	struct slot_segment segments[SLOT_SEGMENTS];
	struct iovec iov[SLOT_SEGMENTS];
	struct request *next;
};

/*
 * Checks a slot against the disk and fills the request (all but vbd, data and next).  Gives
 * BLKIF_RSP_OKAY if it may be started, else the status to answer with, and *why in a few words.
 * Pure: reads nothing but its arguments.
 */
int request_parse(struct request *request, const struct slot *slot, const struct disk_spec *disk,
		  const char **why);

/* Where segment `i` starts in the request's data, and how long it is, in bytes. */
static inline uint16_t segment_offset(const struct slot_segment *segment)
{
	return (uint16_t)(segment->first_sect * DISK_SECTOR);
}

static inline uint16_t segment_bytes(const struct slot_segment *segment)
{
	return (uint16_t)((segment->last_sect - segment->first_sect + 1) * DISK_SECTOR);
}

/* Sets io.offset, io.bytes and io.iov for the data: neighbouring segments become one piece. */
void request_prepare_io(struct request *request, enum disk_verb verb);

#endif
