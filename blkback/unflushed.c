// SPDX-License-Identifier: MIT
/*
 * See unflushed.h.  A record is a header and its data, in one piece: what would not fit before the
 * end of the ring starts at its beginning, behind a header that says so.
 */
#include "blkback/unflushed.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* In the ring, 16-byte aligned, so that a header always fits before the end. */
struct record {
	uint64_t offset;
	uint32_t bytes;
	uint32_t skip; /* not a write: go on at the ring's beginning */
};

_Static_assert(sizeof(struct record) == 16, "unflushed_takes() counts with it");

static struct record *record_at(const struct unflushed *u, uint64_t at)
{
	return (struct record *)(void *)(u->bytes + (at & (u->size - 1)));
}

int unflushed_init(struct unflushed *u, size_t size)
{
	void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*u = (struct unflushed){.size = size};
	if (bytes == MAP_FAILED)
		return -errno;
	u->bytes = bytes;
	return 0;
}

void unflushed_free(struct unflushed *u)
{
	if (u->bytes)
		munmap(u->bytes, u->size);
	u->bytes = NULL;
}

bool unflushed_keep(struct unflushed *u, uint64_t offset, const struct iovec *iov, int iov_count)
{
	uint64_t bytes = 0, left = u->size - (u->head & (u->size - 1)), skip;
	struct record *record;
	char *to;

	for (int i = 0; i < iov_count; i++)
		bytes += iov[i].iov_len;
	skip = unflushed_takes(bytes) > left ? left : 0;
	if (u->head + skip + unflushed_takes(bytes) - u->tail > u->size)
		return false;
	if (skip) {
		record_at(u, u->head)->skip = 1;
		u->head += skip;
	}
	record = record_at(u, u->head);
	*record = (struct record){.offset = offset, .bytes = (uint32_t)bytes};
	to = (char *)(record + 1);
	for (int i = 0; i < iov_count; i++) {
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	u->head += unflushed_takes(bytes);
	return true;
}

void unflushed_trim(struct unflushed *u, uint64_t mark)
{
	if (mark > u->tail)
		u->tail = mark;
}

bool unflushed_next(const struct unflushed *u, uint64_t *at, struct unflushed_write *write)
{
	const struct record *record;

	if (*at < u->head && record_at(u, *at)->skip)
		*at += u->size - (*at & (u->size - 1));
	if (*at >= u->head)
		return false;
	record = record_at(u, *at);
	*write =
		(struct unflushed_write){record->offset, record->bytes, (const char *)(record + 1)};
	*at += unflushed_takes(record->bytes);
	return true;
}
