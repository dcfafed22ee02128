/* SPDX-License-Identifier: MIT */
/* Grant copies, gathered and done by one call.  See grant.c. */
#ifndef COMMON_GRANT_H
#define COMMON_GRANT_H

#include <stdint.h>

#include <xengnttab.h>

/* Copies waiting for grant_batch_run().  Sized once; owned by its ring. */
struct grant_batch {
	xengnttab_handle *xgt;
	uint16_t domid;
	uint32_t count;
	uint32_t room;
	xengnttab_grant_copy_segment_t *segments;
	int **errors; /* where to tell that segments[i] failed */
};

/* 0 or -ENOMEM. */
int grant_batch_init(struct grant_batch *batch, xengnttab_handle *xgt, uint16_t domid,
		     uint32_t room);
void grant_batch_free(struct grant_batch *batch);

/*
 * Queues a copy of `len` bytes at `offset` of the granted page `ref`; to/from `local`, whose offset
 * in its page should be the same (else the kernel splits the copy).  *error becomes -EFAULT if the
 * copy fails and must stay valid until the batch ran.
 */
void grant_copy_in(struct grant_batch *batch, void *local, uint32_t ref, uint16_t offset,
		   uint16_t len, int *error);
void grant_copy_out(struct grant_batch *batch, const void *local, uint32_t ref, uint16_t offset,
		    uint16_t len, int *error);
/* Does all that is queued, in one call.  How many copies were refused. */
uint32_t grant_batch_run(struct grant_batch *batch);

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter grant_filter;

#endif
