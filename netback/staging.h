/* SPDX-License-Identifier: MIT */
/* Pages of a guest that stay mapped: netif.h's static grants.  See staging.c. */
#ifndef NETBACK_STAGING_H
#define NETBACK_STAGING_H

#include <stdbool.h>
#include <stdint.h>

#include <xengnttab.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "common/guest.h"
#include "netback/config.h"

enum {
	STAGING_BUCKETS = 1024
};

/* Of one queue, on its thread. */
struct staging {
	xengnttab_handle *xgt;
	uint16_t domid;
	uint32_t count;
	struct staged_ref *record; /* STAGED_MAX, in the journal: what the next worker maps again */
	void __guest **pages;	   /* of each record */
	uint16_t *buckets;	   /* a record's number + 1, by its reference; 0: none */
};

/*
 * Takes up what the record says, which an earlier worker may have written.  What of it can't be
 * mapped any more is forgotten.  0 or -ENOMEM.
 */
int staging_open(struct staging *staging, xengnttab_handle *xgt, uint16_t domid,
		 struct staged_ref *record);
void staging_close(struct staging *staging);

/* Maps all of the list or none.  XEN_NETIF_CTRL_STATUS_... */
uint32_t staging_add(struct staging *staging, const struct xen_netif_gref *list, uint32_t count);
/* Unmaps those that are there, says of each, and of how many. */
uint32_t staging_del(struct staging *staging, struct xen_netif_gref *list, uint32_t count);

/* The page, if it is mapped (and writable, if that is needed); else NULL. */
void __guest *staging_find_page(const struct staging *staging, uint32_t ref, bool write);
static inline void __guest *staging_find(const struct staging *staging, uint32_t ref, bool write)
{
	return staging->count > 0 ? staging_find_page(staging, ref, write) : NULL;
}

#endif
