/* SPDX-License-Identifier: MIT */
/* The list of keys that a frontend writes at once, with room for the texts of its numbers. */
#ifndef LOOPBACK_FRONT_KEYS_H
#define LOOPBACK_FRONT_KEYS_H

#include <stdlib.h>

#include "loopback/guest.h"

struct front_keys {
	struct front_key *key; /* n of them, for front_publish() */
	size_t n;
	struct front_number *number;
	size_t numbers;
};

/* For up to @max keys.  0 or -ENOMEM; to be freed in either case. */
int front_keys_init(struct front_keys *k, size_t max);
void front_keys_free(struct front_keys *k);

/* @name and @value must live as long as the list. */
void front_keys_text(struct front_keys *k, const char *name, const char *value);
/* A number under a name made by printf. */
void front_keys_number(struct front_keys *k, unsigned int value, const char *name, ...)
	__attribute__((format(printf, 3, 4)));

#endif
