// SPDX-License-Identifier: MIT
/* Inside the drop-in libxengnttab: the handle, shared by mapping, copying and granting. */
#ifndef LOOPBACK_GNTTAB_H
#define LOOPBACK_GNTTAB_H

/* What Xen's header declares is exported, as the .map says; all else is hidden. */
#pragma GCC visibility push(default)
#include <xengnttab.h>
#pragma GCC visibility pop
#include "loopback/hvclient.h"

#define MAPPING_BUCKETS 256u

/* A mapping that this handle made, of grants or of own frames that it shares. */
struct mapping {
	struct mapping *next;
	void *start;
	uint32_t count; /* pages */
	uint32_t id;	/* hv's name for the map or share */
};

/* Behind both xengnttab_handle and xengntshr_handle. */
struct xengntdev_handle {
	struct hv *hv;
	struct hv_area *own;
	struct hv_area *areas; /* of domains we copied from; only grows, read without lock */
	pthread_mutex_t lock;  /* of mappings, and of additions to areas */
	struct mapping *mappings[MAPPING_BUCKETS];
};

struct xengntdev_handle *gntdev_open(void); /* NULL and errno */
int gntdev_close(struct xengntdev_handle *h);

/* 0 or -errno: -EINVAL from take if nothing was mapped at exactly start with count pages. */
int mapping_add(struct xengntdev_handle *h, void *start, uint32_t count, uint32_t id);
int mapping_take(struct xengntdev_handle *h, void *start, uint32_t count, uint32_t *id);

/*
 * Maps n frames one after the other.  memfd(i) of frame i is fds[which[i]]; which may be NULL if
 * all are of fds[0].  NULL and errno.
 */
void *frames_map(const uint32_t *frames, const uint8_t *which, uint32_t n, const int *fds,
		 int prot);

#endif
