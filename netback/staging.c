// SPDX-License-Identifier: MIT
/*
 * A frontend may name pages that it will use again and again (control messages 8 to 10): they are
 * mapped once, and their data are copied by the processor instead of by a hypercall.  Which pages
 * these are stands in the journal, so that the next worker maps them again.
 *
 * A page is mapped by itself, since it may be let go by itself.  The guest may change it while it
 * is copied; as with any other page, only the copy is looked at.
 */
#include "netback/staging.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static uint32_t bucket_of(uint32_t ref)
{
	return ref * 2654435761u >> 22; /* Knuth's; STAGING_BUCKETS is 1 << 10 */
}

/* Linear probing.  The bucket of a reference, or the free one where it would be. */
static uint32_t bucket_find(const struct staging *staging, uint32_t ref)
{
	uint32_t at = bucket_of(ref);

	while (staging->buckets[at] && staging->record[staging->buckets[at] - 1].ref != ref)
		at = (at + 1) % STAGING_BUCKETS;
	return at;
}

void __guest *staging_find_page(const struct staging *staging, uint32_t ref, bool write)
{
	uint32_t number = staging->buckets[bucket_find(staging, ref)];

	if (!number || (write && staging->record[number - 1].flags & STAGED_READONLY))
		return NULL;
	return staging->pages[number - 1];
}

static int page_map(struct staging *staging, uint32_t number, uint32_t ref, uint32_t flags)
{
	int prot = flags & STAGED_READONLY ? PROT_READ : PROT_READ | PROT_WRITE;
	void *page = xengnttab_map_grant_ref(staging->xgt, staging->domid, ref, prot);

	if (!page)
		return -errno;
	staging->pages[number] = guest_mark(page);
	staging->record[number] = (struct staged_ref){ref, flags | STAGED_USED};
	staging->buckets[bucket_find(staging, ref)] = (uint16_t)(number + 1);
	staging->count++;
	return 0;
}

static void page_unmap(struct staging *staging, uint32_t number)
{
	xengnttab_unmap(staging->xgt, guest_unmark(staging->pages[number]), 1);
	staging->pages[number] = NULL;
	staging->count--;
}

/* After one was taken out: probing must not stop at its hole. */
static void buckets_renew(struct staging *staging)
{
	memset(staging->buckets, 0, STAGING_BUCKETS * sizeof(*staging->buckets));
	for (uint32_t i = 0; i < STAGED_MAX; i++)
		if (staging->pages[i])
			staging->buckets[bucket_find(staging, staging->record[i].ref)] =
				(uint16_t)(i + 1);
}

int staging_open(struct staging *staging, xengnttab_handle *xgt, uint16_t domid,
		 struct staged_ref *record)
{
	*staging = (struct staging){.xgt = xgt, .domid = domid, .record = record};
	staging->pages = calloc(STAGED_MAX, sizeof(*staging->pages));
	staging->buckets = calloc(STAGING_BUCKETS, sizeof(*staging->buckets));
	if (!staging->pages || !staging->buckets)
		return -ENOMEM;
	for (uint32_t i = 0; i < STAGED_MAX; i++) {
		struct staged_ref old = record[i];

		record[i].flags = 0;
		if (old.flags & STAGED_USED && !staging_find(staging, old.ref, false))
			page_map(staging, i, old.ref, old.flags & STAGED_READONLY);
	}
	return 0;
}

void staging_close(struct staging *staging)
{
	for (uint32_t i = 0; i < STAGED_MAX && staging->pages; i++)
		if (staging->pages[i])
			page_unmap(staging, i);
	free(staging->pages);
	free(staging->buckets);
	memset(staging, 0, sizeof(*staging));
}

static void pages_drop(struct staging *staging, const uint16_t *numbers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		staging->record[numbers[i]].flags = 0;
		page_unmap(staging, numbers[i]);
	}
	buckets_renew(staging);
}

uint32_t staging_add(struct staging *staging, const struct xen_netif_gref *list, uint32_t count)
{
	uint16_t numbers[STAGED_MAX];
	uint32_t number = 0, mapped = 0;

	for (uint32_t i = 0; i < count; i++) {
		bool readonly = list[i].flags & XEN_NETIF_CTRLF_GREF_readonly;

		/* It was there already, or the worker before this one died before it answered. */
		if (staging_find(staging, list[i].ref, !readonly))
			continue;
		while (number < STAGED_MAX && staging->pages[number])
			number++;
		if (number == STAGED_MAX || staging_find(staging, list[i].ref, false) ||
		    page_map(staging, number, list[i].ref, readonly ? STAGED_READONLY : 0) < 0) {
			pages_drop(staging, numbers, mapped);
			return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
		}
		numbers[mapped++] = (uint16_t)number;
	}
	return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

uint32_t staging_del(struct staging *staging, struct xen_netif_gref *list, uint32_t count)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint16_t number = staging->buckets[bucket_find(staging, list[i].ref)];

		list[i].status = number ? XEN_NETIF_CTRL_STATUS_SUCCESS
					: XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
		if (!number)
			continue;
		number--;
		pages_drop(staging, &number, 1);
		done++;
	}
	return done;
}
