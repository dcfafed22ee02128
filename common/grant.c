// SPDX-License-Identifier: MIT
/*
 * A batch is one ioctl for all requests of a turn: the kernel makes one hypercall for 16 segments
 * of it (gntdev, GNTDEV_COPY_BATCH), and the segments of one request rarely fill 16.
 *
 * Each segment has a status of its own: a bad reference fails the request that named it and no
 * other (XSA-361, XSA-367).  A call that fails as a whole fails all its segments.
 */
#include "common/grant.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>
#include <xen/gntdev.h>

#include "common/filter.h"
#include "common/log.h"

int grant_batch_init(struct grant_batch *batch, xengnttab_handle *xgt, uint16_t domid,
		     uint32_t room)
{
	*batch = (struct grant_batch){.xgt = xgt, .domid = domid, .room = room};
	batch->segments = calloc(room, sizeof(*batch->segments));
	batch->errors = calloc(room, sizeof(*batch->errors));
	if (batch->segments && batch->errors)
		return 0;
	grant_batch_free(batch);
	return -ENOMEM;
}

void grant_batch_free(struct grant_batch *batch)
{
	free(batch->segments);
	free(batch->errors);
	memset(batch, 0, sizeof(*batch));
}

static xengnttab_grant_copy_segment_t *grant_segment(struct grant_batch *batch, uint16_t len,
						     uint16_t flags, int *error)
{
	xengnttab_grant_copy_segment_t *segment;

	if (batch->count == batch->room)
		log_panic("a grant batch of %u segments is full", batch->room);
	segment = &batch->segments[batch->count];
	batch->errors[batch->count++] = error;
	segment->len = len;
	segment->flags = flags;
	segment->status = GNTST_general_error;
	return segment;
}

void grant_copy_in(struct grant_batch *batch, void *local, uint32_t ref, uint16_t offset,
		   uint16_t len, int *error)
{
	xengnttab_grant_copy_segment_t *segment =
		grant_segment(batch, len, GNTCOPY_source_gref, error);

	segment->source.foreign.ref = ref;
	segment->source.foreign.offset = offset;
	segment->source.foreign.domid = batch->domid;
	segment->dest.virt = local;
}

void grant_copy_out(struct grant_batch *batch, const void *local, uint32_t ref, uint16_t offset,
		    uint16_t len, int *error)
{
	xengnttab_grant_copy_segment_t *segment =
		grant_segment(batch, len, GNTCOPY_dest_gref, error);

	segment->source.virt = (void *)(uintptr_t)local;
	segment->dest.foreign.ref = ref;
	segment->dest.foreign.offset = offset;
	segment->dest.foreign.domid = batch->domid;
}

uint32_t grant_batch_run(struct grant_batch *batch)
{
	uint32_t refused = 0;
	bool whole;

	if (batch->count == 0)
		return 0;
	whole = xengnttab_grant_copy(batch->xgt, batch->count, batch->segments) == 0;
	for (uint32_t i = 0; i < batch->count; i++)
		if (!whole || batch->segments[i].status != GNTST_okay) {
			*batch->errors[i] = -EFAULT;
			refused++;
		}
	batch->count = 0;
	return refused;
}

/* What libxengnttab does, here and in grant_cache.c; not among it: dma-bufs. */
static const struct filter_rule grant_rules[] = {
	FILTER_INT(ioctl, 1, IOCTL_GNTDEV_GRANT_COPY),
	FILTER_INT(ioctl, 1, IOCTL_GNTDEV_MAP_GRANT_REF),
	FILTER_INT(ioctl, 1, IOCTL_GNTDEV_UNMAP_GRANT_REF),
	FILTER_INT(ioctl, 1, IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR),
	FILTER_ALLOW(clock_nanosleep), /* while the guest's page is swapped out */
};

const struct filter grant_filter = {FILTER_RULES(grant_rules)};
