/* SPDX-License-Identifier: MIT */
/* Persistent grants: pages of the guest that stay mapped from one request to the next.  See
 * grant_cache.c. */
#ifndef COMMON_GRANT_CACHE_H
#define COMMON_GRANT_CACHE_H

#include <stdint.h>
#include <sys/queue.h>

#include <xengnttab.h>

enum {
	/* Of one ring: what Linux' xen-blkback keeps, and its frontend is made for. */
	GRANT_CACHE_MAX = 1056,
	GRANT_CACHE_BUCKETS = 1024,
	GRANT_NONE = UINT16_MAX
};

struct grant_map {
	TAILQ_ENTRY(grant_map) link; /* of those that nobody borrows: the oldest first */
	void *page;		     /* NULL: free */
	uint32_t ref;
	uint16_t next; /* in its bucket */
	uint16_t borrowed;
};

/* Owned by its queue; sized once. */
struct grant_cache {
	xengnttab_handle *xgt;
	uint16_t domid;
	uint16_t *buckets;
	struct grant_map *maps;
	TAILQ_HEAD(, grant_map) idle;
	uint32_t held;	 /* pages that are mapped now */
	uint64_t mapped; /* how often a page was mapped; only ever grows */
};

/* 0 or -ENOMEM. */
int grant_cache_init(struct grant_cache *cache, xengnttab_handle *xgt, uint16_t domid);
/* Unmaps all.  Nothing may be borrowed.  Fine if it was never made. */
void grant_cache_free(struct grant_cache *cache);

/*
 * Borrows the page that `ref` grants, for reading and writing; its number is good until
 * grant_release().  GRANT_NONE if it can't be mapped, or if all that there is room for is borrowed.
 */
uint16_t grant_acquire(struct grant_cache *cache, uint32_t ref);
void grant_release(struct grant_cache *cache, uint16_t number);

static inline void *grant_page(const struct grant_cache *cache, uint16_t number)
{
	return cache->maps[number].page;
}

#endif
