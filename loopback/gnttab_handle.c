// SPDX-License-Identifier: MIT
/*
 * The handle behind libxengnttab's two interfaces: a connection to hv, what it has mapped, and
 * the views of other domains' memory that copies go through.
 *
 * Closing it unmaps nothing: as with the real one, the address space stays until munmap, but hv
 * no longer counts it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "loopback/gnttab.h"

struct xengntdev_handle *gntdev_open(void)
{
	struct hv *hv = hv_open();
	struct xengntdev_handle *h;
	int err;

	if (!hv)
		return NULL;
	h = calloc(1, sizeof(*h));
	if (h) {
		h->hv = hv;
		pthread_mutex_init(&h->lock, NULL);
		h->own = hv_area_map(hv, hv->domid, false);
		if (h->own)
			return h;
	}
	err = errno;
	hv_close(hv);
	free(h);
	errno = err;
	return NULL;
}

int gntdev_close(struct xengntdev_handle *h)
{
	struct hv_area *a;
	struct mapping *m;
	unsigned i;

	if (!h)
		return 0;
	for (i = 0; i < MAPPING_BUCKETS; i++)
		while ((m = h->mappings[i])) {
			h->mappings[i] = m->next;
			free(m);
		}
	while ((a = h->areas)) {
		h->areas = a->next;
		hv_area_unmap(a);
	}
	hv_area_unmap(h->own);
	hv_close(h->hv);
	pthread_mutex_destroy(&h->lock);
	free(h);
	return 0;
}

static struct mapping **bucket(struct xengntdev_handle *h, const void *start)
{
	return &h->mappings[((uintptr_t)start >> HV_PAGE_SHIFT) % MAPPING_BUCKETS];
}

int mapping_add(struct xengntdev_handle *h, void *start, uint32_t count, uint32_t id)
{
	struct mapping *m = malloc(sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->start = start;
	m->count = count;
	m->id = id;
	pthread_mutex_lock(&h->lock);
	m->next = *bucket(h, start);
	*bucket(h, start) = m;
	pthread_mutex_unlock(&h->lock);
	return 0;
}

int mapping_take(struct xengntdev_handle *h, void *start, uint32_t count, uint32_t *id)
{
	struct mapping **at, *found;

	pthread_mutex_lock(&h->lock);
	for (at = bucket(h, start); (found = *at); at = &found->next)
		if (found->start == start && found->count == count)
			break;
	if (found)
		*at = found->next;
	pthread_mutex_unlock(&h->lock);
	if (!found)
		return -EINVAL;
	*id = found->id;
	free(found);
	return 0;
}

static int run_map(uint8_t *at, uint32_t frame, uint32_t n, int fd, int prot)
{
	off_t offset = HV_RAM_OFF + ((off_t)frame << HV_PAGE_SHIFT);

	return mmap(at, (size_t)n << HV_PAGE_SHIFT, prot, MAP_SHARED | MAP_FIXED, fd, offset) ==
			       MAP_FAILED
		       ? -1
		       : 0;
}

void *frames_map(const uint32_t *frames, const uint8_t *which, uint32_t n, const int *fds, int prot)
{
	size_t size = (size_t)n << HV_PAGE_SHIFT;
	uint8_t *start =
		mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint32_t i, run;
	int err;

	if (start == MAP_FAILED)
		return NULL;
	for (i = 0; i < n; i += run) {
		for (run = 1; i + run < n && frames[i + run] == frames[i] + run &&
			      (!which || which[i + run] == which[i]);
		     run++)
			;
		if (run_map(start + ((size_t)i << HV_PAGE_SHIFT), frames[i], run,
			    fds[which ? which[i] : 0], prot) < 0) {
			err = errno;
			munmap(start, size);
			errno = err;
			return NULL;
		}
	}
	return start;
}
