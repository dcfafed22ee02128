/* SPDX-License-Identifier: MIT */
/* blkhostile's single requests: each is a good read of the first page, changed in one way. */
#ifndef TESTS_PROGS_HOSTILE_CASES_H
#define TESTS_PROGS_HOSTILE_CASES_H

#include <stdint.h>

#include "loopback/blkfront.h"

static uint64_t disk_sectors;

struct attack {
	const char *name;
	void (*change)(blkif_request_t *r, struct blkfront_queue *q);
};

/* ---- one request each, changed from a good read of the first page ------------------------- */

static void good(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)r;
	(void)q;
}

static void unknown_op(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->operation = 99;
}

static void reserved_op(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->operation = BLKIF_OP_RESERVED_1;
}

static void indirect(blkif_request_t *r, struct blkfront_queue *q)
{
	blkif_request_indirect_t *i = (blkif_request_indirect_t *)r;

	i->operation = BLKIF_OP_INDIRECT;
	i->indirect_op = BLKIF_OP_READ;
	i->nr_segments = 65535;
	i->indirect_grefs[0] = blkfront_raw_ref(q, 0);
}

static void no_segments(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->nr_segments = 0;
}

static void twelve_segments(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->nr_segments = 12;
}

static void many_segments(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->nr_segments = 255;
}

static void first_after_last(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->seg[0].first_sect = 5;
	r->seg[0].last_sect = 4;
}

static void last_beyond_page(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->seg[0].last_sect = 8;
}

static void last_255(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->seg[0].last_sect = 255;
}

static void past_end(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->sector_number = disk_sectors;
}

static void across_end(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->sector_number = disk_sectors - 1;
}

static void sector_wraps(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->sector_number = UINT64_MAX - 3;
}

static void byte_offset_wraps(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->sector_number = 1ULL << 55;
}

static void bad_ref(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->seg[0].gref = 0xfffffff0U;
}

static void reserved_ref(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->seg[0].gref = 0;
}

static void bad_ref_last(blkif_request_t *r, struct blkfront_queue *q)
{
	r->nr_segments = BLKFRONT_SEGMENTS;
	for (int i = 0; i < BLKFRONT_SEGMENTS; i++)
		r->seg[i] = (struct blkif_request_segment){blkfront_raw_ref(q, 0), 0, 7};
	r->seg[BLKFRONT_SEGMENTS - 1].gref = 60000;
}

static void same_ref(blkif_request_t *r, struct blkfront_queue *q)
{
	r->nr_segments = BLKFRONT_SEGMENTS;
	for (int i = 0; i < BLKFRONT_SEGMENTS; i++)
		r->seg[i] = (struct blkif_request_segment){blkfront_raw_ref(q, 0), 0, 7};
}

static void write_op(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->operation = BLKIF_OP_WRITE;
}

static void barrier(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->operation = BLKIF_OP_WRITE_BARRIER;
}

static void empty_barrier(blkif_request_t *r, struct blkfront_queue *q)
{
	barrier(r, q);
	r->nr_segments = 0;
}

static void flush_with_data(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	r->operation = BLKIF_OP_FLUSH_DISKCACHE;
}

static void flush(blkif_request_t *r, struct blkfront_queue *q)
{
	flush_with_data(r, q);
	r->nr_segments = 0;
	r->sector_number = UINT64_MAX; /* means nothing here */
}

static void flush_past_end(blkif_request_t *r, struct blkfront_queue *q)
{
	flush_with_data(r, q);
	r->sector_number = disk_sectors;
}

static void flush_12_segments(blkif_request_t *r, struct blkfront_queue *q)
{
	flush_with_data(r, q);
	r->nr_segments = 12;
}

static void ring_as_data(blkif_request_t *r, struct blkfront_queue *q)
{
	r->operation = BLKIF_OP_WRITE;
	r->seg[0].gref = blkfront_raw_ring_ref(q, 0);
}

static void indirect_nested(blkif_request_t *r, struct blkfront_queue *q)
{
	blkif_request_indirect_t *i = (blkif_request_indirect_t *)r;

	i->operation = BLKIF_OP_INDIRECT;
	i->indirect_op = BLKIF_OP_INDIRECT;
	i->nr_segments = 0;
	i->indirect_grefs[0] = blkfront_raw_ring_ref(q, 0);
}

static void discard(blkif_request_t *r, uint64_t sector, uint64_t sectors)
{
	blkif_request_discard_t *d = (blkif_request_discard_t *)r;

	d->operation = BLKIF_OP_DISCARD;
	d->flag = 0;
	d->sector_number = sector;
	d->nr_sectors = sectors;
}

static void discard_good(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	discard(r, 0, 8);
}

static void discard_past_end(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	discard(r, disk_sectors - 8, 16);
}

static void discard_wraps(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	discard(r, 8, UINT64_MAX - 4);
}

static void discard_nothing(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	discard(r, 0, 0);
}

static void discard_flags(blkif_request_t *r, struct blkfront_queue *q)
{
	discard_good(r, q);
	r->nr_segments = 255;
}

static void discard_all_wraps(blkif_request_t *r, struct blkfront_queue *q)
{
	(void)q;
	discard(r, UINT64_MAX, 1);
}

static const struct attack attacks[] = {
	{"good", good},
	{"unknown-op", unknown_op},
	{"reserved-op", reserved_op},
	{"indirect", indirect},
	{"no-segments", no_segments},
	{"12-segments", twelve_segments},
	{"255-segments", many_segments},
	{"first-after-last", first_after_last},
	{"last-beyond-page", last_beyond_page},
	{"last-255", last_255},
	{"past-end", past_end},
	{"across-end", across_end},
	{"sector-wraps", sector_wraps},
	{"byte-offset-wraps", byte_offset_wraps},
	{"bad-ref", bad_ref},
	{"reserved-ref", reserved_ref},
	{"bad-ref-last", bad_ref_last},
	{"same-ref", same_ref},
	{"write", write_op},
	{"barrier", barrier},
	{"empty-barrier", empty_barrier},
	{"flush", flush},
	{"flush-with-data", flush_with_data},
	{"flush-past-end", flush_past_end},
	{"flush-12-segments", flush_12_segments},
	{"ring-as-data", ring_as_data},
	{"indirect-nested", indirect_nested},
	{"discard", discard_good},
	{"discard-nothing", discard_nothing},
	{"discard-flags", discard_flags},
	{"discard-all-wraps", discard_all_wraps},
	{"discard-past-end", discard_past_end},
	{"discard-wraps", discard_wraps},
};

/* For whole rings of them: a read whose last_sect, or whose one bad grant's place, is `n`. */
static void last_sect_each(blkif_request_t *r, struct blkfront_queue *q, unsigned int n)
{
	(void)q;
	r->seg[0].last_sect = (uint8_t)n;
}

static void bad_ref_at(blkif_request_t *r, struct blkfront_queue *q, unsigned int n)
{
	(void)q;
	r->nr_segments = BLKFRONT_SEGMENTS;
	for (int i = 1; i < BLKFRONT_SEGMENTS; i++)
		r->seg[i] = r->seg[0];
	r->seg[n].gref = 60000;
}

#endif
