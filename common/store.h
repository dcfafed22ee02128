/* SPDX-License-Identifier: MIT */
/* The supervisor's connection to xenstored.  See store.c. */
#ifndef COMMON_STORE_H
#define COMMON_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <xenstore.h>

#include "common/loop.h"

enum {
	STORE_PATH_MAX = 256
}; /* of the paths that we make; far below XENSTORE_ABS_PATH_MAX */

struct store {
	struct xs_handle *xs; /* NULL while xenstored is away */
	xs_transaction_t t;   /* of store_begin(), else XBT_NULL; all calls below use it */
	uint32_t domid;	      /* our own */
	struct loop *loop;
	struct loop_poll *poll;
	int sentinel; /* a connection that only tells when xenstored goes; -1: none */
	struct loop_poll *sentinel_poll;
	/* A watched node changed.  Events are not merged here. */
	void (*changed)(struct store *store, const char *path, const char *token);
	/* xenstored went away; store_open() may be tried again. */
	void (*lost)(struct store *store);
};

/* Connects.  0, or -errno.  The callbacks must be set before. */
int store_open(struct store *store, struct loop *loop);
void store_close(struct store *store);
/* 0 or -errno.  Fires once at once, for `path` itself. */
int store_watch(struct store *store, const char *path, const char *token);
void store_unwatch(struct store *store, const char *path, const char *token);

/*
 * A transaction:
 *	int tries = 0;
 *	do {
 *		store_begin(store);
 *		...
 *	} while (store_commit(store, &err, &tries));
 * store_commit() gives true if it has to be done again.  *err: in, the first error within (then
 * nothing is written); out, 0 or -errno (-EBUSY: somebody else kept changing the nodes).
 */
void store_begin(struct store *store);
bool store_commit(struct store *store, int *err, int *tries);

/* The node's value, for free(); NULL and errno. */
char *store_read(struct store *store, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A decimal number of at most `max`.  0, -ENOENT or another store error, -EINVAL if it is none. */
int store_read_number(struct store *store, uint64_t max, uint64_t *value, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* True if the node is there. */
bool store_exists(struct store *store, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Writes dir/key.  0 or -errno. */
int store_write(struct store *store, const char *dir, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void store_remove(struct store *store, const char *path);
/* The names below a node, for free(); NULL if there is no such node. */
char **store_list(struct store *store, const char *path, unsigned int *count);

/* A decimal number and nothing else, at most `max`.  0 or -EINVAL.  Pure. */
int number_parse(const char *text, uint64_t max, uint64_t *value);
/* Bytes, or a number with K, M, G or T behind it, at most INT64_MAX.  0 or -EINVAL.  Pure. */
int size_parse(const char *text, uint64_t *bytes);

#endif
