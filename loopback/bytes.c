// SPDX-License-Identifier: MIT
/*
 * A growing queue of bytes between two non-blocking ends.
 *
 * It owns one heap block.  It never bounds itself: whoever fills it must look at ->len first,
 * because only the caller knows what may be refused and what must not get lost.
 */
#include "loopback/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int bytes_reserve(struct bytes *b, size_t len)
{
	size_t cap = b->cap ? b->cap : 256;
	char *data;

	if (b->head + b->len + len <= b->cap)
		return 0;
	if (b->head) {
		memmove(b->data, b->data + b->head, b->len);
		b->head = 0;
	}
	while (cap < b->len + len)
		cap *= 2;
	if (cap == b->cap)
		return 0;
	data = realloc(b->data, cap);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

int bytes_put(struct bytes *b, const void *data, size_t len)
{
	int err = bytes_reserve(b, len);

	if (err || !len)
		return err;
	memcpy(b->data + b->head + b->len, data, len);
	b->len += len;
	return 0;
}

void bytes_drop(struct bytes *b, size_t len)
{
	b->head += len;
	b->len -= len;
	if (!b->len)
		b->head = 0;
}

void bytes_free(struct bytes *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}
