// SPDX-License-Identifier: MIT
/*
 * A frontend with feature-persistent uses the same granted pages again and again, and copies its
 * data there itself; so each page is mapped once and the disk reads and writes it in place.  The
 * cache is bounded: when it is full the page that was not used for the longest time is unmapped.
 *
 * The guest may change such a page while it is being written to the disk.  It then has what it
 * deserves on its disk; nothing of ours ever parses what is in there.
 */
#include "common/grant_cache.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int grant_cache_init(struct grant_cache *cache, xengnttab_handle *xgt, uint16_t domid)
{
	*cache = (struct grant_cache){.xgt = xgt, .domid = domid};
	TAILQ_INIT(&cache->idle);
	cache->buckets = malloc(GRANT_CACHE_BUCKETS * sizeof(*cache->buckets));
	cache->maps = calloc(GRANT_CACHE_MAX, sizeof(*cache->maps));
	if (!cache->buckets || !cache->maps) {
		grant_cache_free(cache);
		return -ENOMEM;
	}
	memset(cache->buckets, 0xff,
	       GRANT_CACHE_BUCKETS * sizeof(*cache->buckets)); /* GRANT_NONE */
	for (uint32_t i = 0; i < GRANT_CACHE_MAX; i++)
		TAILQ_INSERT_TAIL(&cache->idle, &cache->maps[i], link);
	return 0;
}

/* Grant references are small and dense. */
static uint16_t *bucket_of(const struct grant_cache *cache, uint32_t ref)
{
	return &cache->buckets[ref % GRANT_CACHE_BUCKETS];
}

static void map_drop(struct grant_cache *cache, struct grant_map *map)
{
	uint16_t *at = bucket_of(cache, map->ref);

	if (!map->page)
		return;
	while (*at != map - cache->maps)
		at = &cache->maps[*at].next;
	*at = map->next;
	xengnttab_unmap(cache->xgt, map->page, 1);
	map->page = NULL;
	cache->held--;
}

void grant_cache_free(struct grant_cache *cache)
{
	for (uint32_t i = 0; cache->maps && i < GRANT_CACHE_MAX; i++)
		map_drop(cache, &cache->maps[i]);
	free(cache->maps);
	free(cache->buckets);
	cache->maps = NULL;
	cache->buckets = NULL;
}

static struct grant_map *map_find(const struct grant_cache *cache, uint32_t ref)
{
	for (uint16_t i = *bucket_of(cache, ref); i != GRANT_NONE; i = cache->maps[i].next)
		if (cache->maps[i].ref == ref)
			return &cache->maps[i];
	return NULL;
}

/* The one that was idle for the longest time becomes this page's. */
static struct grant_map *map_make(struct grant_cache *cache, uint32_t ref)
{
	struct grant_map *map = TAILQ_FIRST(&cache->idle);
	uint16_t *bucket = bucket_of(cache, ref);

	if (!map)
		return NULL;
	map_drop(cache, map);
	map->page = xengnttab_map_domain_grant_refs(cache->xgt, 1, cache->domid, &ref,
						    PROT_READ | PROT_WRITE);
	if (!map->page)
		return NULL;
	cache->mapped++;
	cache->held++;
	map->ref = ref;
	map->next = *bucket;
	*bucket = (uint16_t)(map - cache->maps);
	return map;
}

uint16_t grant_acquire(struct grant_cache *cache, uint32_t ref)
{
	struct grant_map *map = map_find(cache, ref);

	if (!map)
		map = map_make(cache, ref);
	if (!map)
		return GRANT_NONE;
	if (map->borrowed++ == 0)
		TAILQ_REMOVE(&cache->idle, map, link);
	return (uint16_t)(map - cache->maps);
}

void grant_release(struct grant_cache *cache, uint16_t number)
{
	struct grant_map *map = &cache->maps[number];

	if (--map->borrowed == 0)
		TAILQ_INSERT_TAIL(&cache->idle, map, link);
}
