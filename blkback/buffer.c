// SPDX-License-Identifier: MIT
/*
 * Each slot of the ring has a small buffer of its own, for the 11 segments that a plain request can
 * have.  An indirect request may have 256; room for that many in each slot would be a gigabyte for
 * a guest with deep rings, so larger requests share a fixed number of chunks, and when those are
 * out the queue takes no further request until one comes back.  Both are memory of our own, touched
 * only when used.
 *
 * A request's chunks are neighbours, so its data is in one piece.  With one bit for each chunk a
 * run of them is found by shifting.
 */
#include "blkback/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	CHUNK_BYTES = CHUNK_SEGMENTS * BUFFER_PAGE
};

static void *pages_map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void pages_unmap(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

uint32_t buffer_pool_segments(const struct buffer_pool *pool)
{
	return pool->slots * SLOT_SEGMENTS + CHUNKS * CHUNK_SEGMENTS;
}

int buffer_pool_init(struct buffer_pool *pool, uint32_t slots)
{
	memset(pool, 0, sizeof(*pool));
	pool->slots = slots;
	pool->chunks_free = ~(uint64_t)0;
	pool->small = pages_map((size_t)slots * BUFFER_SMALL);
	pool->chunk_data = pages_map((size_t)CHUNKS * CHUNK_BYTES);
	pool->segments = pages_map(buffer_pool_segments(pool) * sizeof(*pool->segments));
	pool->iov = pages_map(buffer_pool_segments(pool) * sizeof(*pool->iov));
	if (!pool->small || !pool->chunk_data || !pool->segments || !pool->iov) {
		buffer_pool_free(pool);
		return -ENOMEM;
	}
	return 0;
}

void buffer_pool_free(struct buffer_pool *pool)
{
	pages_unmap(pool->small, (size_t)pool->slots * BUFFER_SMALL);
	pages_unmap(pool->chunk_data, (size_t)CHUNKS * CHUNK_BYTES);
	pages_unmap(pool->segments, buffer_pool_segments(pool) * sizeof(*pool->segments));
	pages_unmap(pool->iov, buffer_pool_segments(pool) * sizeof(*pool->iov));
	memset(pool, 0, sizeof(*pool));
}

/* The first of `n` free chunks in a row, or -1. */
static int chunks_find(uint64_t free, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		free &= free >> 1;
	return free ? __builtin_ctzll(free) : -1;
}

static bool chunks_take(struct buffer_pool *pool, uint32_t n, struct buffer *buffer)
{
	int first = chunks_find(pool->chunks_free, n);
	size_t at;

	if (first < 0)
		return false;
	at = (size_t)pool->slots * SLOT_SEGMENTS + (size_t)first * CHUNK_SEGMENTS;
	buffer->data = pool->chunk_data + (size_t)first * CHUNK_BYTES;
	buffer->segments = pool->segments + at;
	buffer->iov = pool->iov + at;
	buffer->chunks = ((1ull << n) - 1) << first;
	pool->chunks_free &= ~buffer->chunks;
	return true;
}

bool buffer_take(struct buffer_pool *pool, uint32_t slot, uint32_t segments, struct buffer *buffer)
{
	if (segments > SLOT_SEGMENTS)
		return chunks_take(pool, (segments + CHUNK_SEGMENTS - 1) / CHUNK_SEGMENTS, buffer);
	buffer->data = pool->small + (size_t)slot * BUFFER_SMALL;
	buffer->segments = pool->segments + (size_t)slot * SLOT_SEGMENTS;
	buffer->iov = pool->iov + (size_t)slot * SLOT_SEGMENTS;
	buffer->chunks = 0;
	return true;
}

void buffer_put(struct buffer_pool *pool, const struct buffer *buffer)
{
	pool->chunks_free |= buffer->chunks;
}
