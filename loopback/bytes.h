/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_BYTES_H
#define LOOPBACK_BYTES_H

#include <stddef.h>

/* A queue of bytes.  All zero is an empty queue. */
struct bytes {
	char *data;
	size_t head; /* the first byte still queued */
	size_t len;  /* bytes queued */
	size_t cap;
};

/* Append; 0 or -ENOMEM (then nothing was appended). */
int bytes_put(struct bytes *b, const void *data, size_t len);

/* The queued bytes, b->len of them; valid until the next bytes_put(). */
static inline char *bytes_peek(const struct bytes *b)
{
	return b->data + b->head;
}

/* Take the first @len bytes off; @len must not be more than b->len. */
void bytes_drop(struct bytes *b, size_t len);

void bytes_free(struct bytes *b);

#endif
