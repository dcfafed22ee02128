/* SPDX-License-Identifier: MIT */
/* Where the data of a queue's requests lies on our side.  See buffer.c. */
#ifndef BLKBACK_BUFFER_H
#define BLKBACK_BUFFER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "blkback/abi.h"

enum {
	BUFFER_PAGE = 4096,
	BUFFER_SMALL = SLOT_SEGMENTS * BUFFER_PAGE,
	CHUNK_SEGMENTS = 32,
	CHUNKS = 64, /* of a queue: bits of a word */
};

/* Room for one request: a page of data, a segment and a piece of I/O for each of its segments. */
struct buffer {
	char *data; /* page aligned: segment i has page i */
	struct slot_segment *segments;
	struct iovec *iov;
	uint64_t chunks; /* a bit for each chunk that it takes; 0: it is the slot's own */
};

/* Owned by its queue. */
struct buffer_pool {
	uint32_t slots;
	char *small; /* `slots` times BUFFER_SMALL */
	char *chunk_data;
	uint64_t chunks_free;
	struct slot_segment *segments; /* first the slots' own, then the chunks' */
	struct iovec *iov;	       /* as above */
};

/* 0 or -ENOMEM; then the pool may be freed, too. */
int buffer_pool_init(struct buffer_pool *pool, uint32_t slots);
void buffer_pool_free(struct buffer_pool *pool);

/* How many segments all its requests can have together. */
uint32_t buffer_pool_segments(const struct buffer_pool *pool);

/*
 * Room for `segments` of them, at most SLOT_INDIRECT_SEGMENTS: the slot's own, or chunks.  False if
 * there are too few chunks now; a buffer put back makes room.
 */
bool buffer_take(struct buffer_pool *pool, uint32_t slot, uint32_t segments, struct buffer *buffer);
void buffer_put(struct buffer_pool *pool, const struct buffer *buffer);

#endif
