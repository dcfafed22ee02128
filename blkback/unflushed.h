/* SPDX-License-Identifier: MIT */
/*
 * The writes that a server has answered and not yet been told to make durable, oldest first, with
 * their data: what a server that dies may have lost.  A ring of bytes; nothing is allocated after
 * the start.  See unflushed.c.
 */
#ifndef BLKBACK_UNFLUSHED_H
#define BLKBACK_UNFLUSHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
	UNFLUSHED_WRITE_MAX = 2 << 20, /* bytes; blkif has no request of more than 1 MiB */
};

/* Positions only ever grow: head is the end of the newest record, tail the start of the oldest. */
struct unflushed {
	char *bytes;
	size_t size; /* a power of 2 */
	uint64_t head, tail;
};

/* One write.  `data` stays valid until it is trimmed. */
struct unflushed_write {
	uint64_t offset; /* bytes on the disk */
	uint32_t bytes;
	const char *data;
};

/* `size` is a power of 2.  0 or -errno. */
int unflushed_init(struct unflushed *u, size_t size);
void unflushed_free(struct unflushed *u);
/* Keeps a write; false: there is no room until some are trimmed. */
bool unflushed_keep(struct unflushed *u, uint64_t offset, const struct iovec *iov, int iov_count);
/* Forgets all that was kept before head was `mark`. */
void unflushed_trim(struct unflushed *u, uint64_t mark);
/* The write at *at (start with tail), which moves on to the next; false at the end. */
bool unflushed_next(const struct unflushed *u, uint64_t *at, struct unflushed_write *write);

static inline bool unflushed_is_empty(const struct unflushed *u)
{
	return u->head == u->tail;
}

/* What a write of so many bytes takes. */
static inline uint64_t unflushed_takes(uint64_t bytes)
{
	return (16 + bytes + 15) & ~(uint64_t)15;
}

/* There is room for writes that take so much together, wherever the ring's end falls. */
static inline bool unflushed_has_room(const struct unflushed *u, uint64_t takes)
{
	return u->head - u->tail + takes + UNFLUSHED_WRITE_MAX <= u->size;
}

/* It is time for a flush: soon there will be no room. */
static inline bool unflushed_is_filling(const struct unflushed *u)
{
	return u->head - u->tail > u->size / 2;
}

#endif
