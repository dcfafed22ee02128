/* SPDX-License-Identifier: MIT */
/*
 * blkhostile's indirect requests: each is a good read of twelve segments, all of them the first
 * page, changed in one way.  The list of segments stands on the first of the frontend's indirect
 * pages.
 */
#ifndef TESTS_PROGS_HOSTILE_INDIRECT_H
#define TESTS_PROGS_HOSTILE_INDIRECT_H

#include <string.h>

#include "tests/progs/hostile_cases.h"

#define LIST_SEGMENTS 12

struct indirect_attack {
	const char *name;
	void (*change)(blkif_request_indirect_t *r, struct blkif_request_segment *list,
		       struct blkfront_queue *q);
	unsigned int value; /* for change() */
};

static unsigned int indirect_value;

/* Segments that are fine, as many as a page can have. */
static struct blkif_request_segment *list_fill(struct blkfront_queue *q, unsigned int page,
					       grant_ref_t *ref)
{
	struct blkif_request_segment *list = blkfront_raw_indirect(q, page, ref);

	for (unsigned int i = 0; i < BLKFRONT_PAGE_SEGMENTS; i++)
		list[i] = (struct blkif_request_segment){blkfront_raw_ref(q, 0), 0, 7};
	return list;
}

/* As the list on page @page; its first segment. */
static struct blkif_request_segment *good_indirect(blkif_request_t *r, struct blkfront_queue *q,
						   unsigned int page, uint64_t id)
{
	blkif_request_indirect_t i = {.operation = BLKIF_OP_INDIRECT,
				      .indirect_op = BLKIF_OP_READ,
				      .nr_segments = LIST_SEGMENTS,
				      .id = id};
	struct blkif_request_segment *list = list_fill(q, page, &i.indirect_grefs[0]);

	memset(r, 0, sizeof(*r));
	memcpy(r, &i, sizeof(i));
	return list;
}

#define CHANGE(name)                                                                               \
	static void name(blkif_request_indirect_t *r, struct blkif_request_segment *list,          \
			 struct blkfront_queue *q)

CHANGE(i_nothing)
{
	(void)r, (void)list, (void)q;
}

CHANGE(i_segments)
{
	(void)list, (void)q;
	r->nr_segments = (uint16_t)indirect_value;
}

CHANGE(i_operation)
{
	(void)list, (void)q;
	r->indirect_op = (uint8_t)indirect_value;
}

CHANGE(i_page)
{
	(void)list, (void)q;
	r->indirect_grefs[0] = indirect_value;
}

CHANGE(i_other_pages)
{
	(void)list, (void)q;
	for (int i = 1; i < BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST; i++)
		r->indirect_grefs[i] = 0xfffffff0U;
}

CHANGE(i_ring_page)
{
	(void)list;
	r->indirect_grefs[0] = blkfront_raw_ring_ref(q, 0);
}

/* The read's data fall on its own list. */
CHANGE(i_over_itself)
{
	memcpy(blkfront_buffer(q, 0), list, BLKFRONT_PAGE);
	r->indirect_grefs[0] = blkfront_raw_ref(q, 0);
}

CHANGE(i_first_after_last)
{
	(void)r, (void)q;
	list[indirect_value] = (struct blkif_request_segment){list[0].gref, 7, 6};
}

CHANGE(i_last_sect)
{
	(void)r, (void)q;
	list[LIST_SEGMENTS - 1].last_sect = (uint8_t)indirect_value;
}

CHANGE(i_ref)
{
	(void)r, (void)q;
	list[LIST_SEGMENTS - 1].gref = indirect_value;
}

CHANGE(i_data_is_ring)
{
	r->indirect_op = BLKIF_OP_WRITE;
	list[5].gref = blkfront_raw_ring_ref(q, 0);
}

CHANGE(i_past_end)
{
	(void)list, (void)q;
	r->sector_number = disk_sectors - LIST_SEGMENTS * 8 + indirect_value;
}

CHANGE(i_wraps)
{
	(void)list, (void)q;
	r->sector_number = UINT64_MAX - indirect_value;
}

static const struct indirect_attack indirect_attacks[] = {
	{"i-good", i_nothing, 0},
	{"i-1-segment", i_segments, 1},
	{"i-256-segments", i_segments, 256},
	{"i-no-segments", i_segments, 0},
	{"i-257-segments", i_segments, 257},
	{"i-512-segments", i_segments, 512},
	{"i-65535-segments", i_segments, 65535},
	{"i-write", i_operation, BLKIF_OP_WRITE},
	{"i-barrier", i_operation, BLKIF_OP_WRITE_BARRIER},
	{"i-flush", i_operation, BLKIF_OP_FLUSH_DISKCACHE},
	{"i-reserved", i_operation, BLKIF_OP_RESERVED_1},
	{"i-discard", i_operation, BLKIF_OP_DISCARD},
	{"i-indirect", i_operation, BLKIF_OP_INDIRECT},
	{"i-unknown", i_operation, 255},
	{"i-bad-page", i_page, 60000},
	{"i-huge-page", i_page, 0xfffffff0U},
	{"i-reserved-page", i_page, 0},
	{"i-other-pages", i_other_pages, 0},
	{"i-ring-page", i_ring_page, 0},
	{"i-over-itself", i_over_itself, 0},
	{"i-first-after-last", i_first_after_last, LIST_SEGMENTS - 1},
	{"i-beyond-list", i_first_after_last, LIST_SEGMENTS},
	{"i-last-8", i_last_sect, 8},
	{"i-last-255", i_last_sect, 255},
	{"i-bad-ref", i_ref, 60000},
	{"i-huge-ref", i_ref, 0xfffffff0U},
	{"i-data-is-ring", i_data_is_ring, 0},
	{"i-at-end", i_past_end, 0},
	{"i-past-end", i_past_end, 1},
	{"i-sector-wraps", i_wraps, 3},
	{"i-bytes-wrap", i_wraps, LIST_SEGMENTS * 8 - 1},
};

/* For whole rings of them: the one bad segment of 256 is @n. */
static void indirect_bad_at(blkif_request_t *r, struct blkfront_queue *q, unsigned int n)
{
	struct blkif_request_segment *list = good_indirect(r, q, n % 32, r->id);

	((blkif_request_indirect_t *)r)->nr_segments = 256;
	if (n & 1)
		list[n].gref = 60000;
	else
		list[n].last_sect = 8;
}

#endif
