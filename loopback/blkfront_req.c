// SPDX-License-Identifier: MIT
/*
 * A queue's requests in a disk's frontend, on their way to the ring.
 *
 * It owns the slots, one per ring entry, and the pages that a slot borrows while its request is in
 * flight; the pages for a list of segments that is too long for the ring are the slot's own.  A
 * request longer than one ring request can carry goes on piece by piece, as room comes; when there
 * is none it waits in a queue, linked through the caller's own struct: nothing is allocated here.
 *
 * It must never put a request on the ring that it could not tell the answer of: the id names the
 * slot and the slot's generation.
 */
#include <errno.h>

#include "loopback/blkfront_priv.h"

#define PAGE_SECTORS (BLKFRONT_PAGE / BLKFRONT_SECTOR)

const struct blkfront_abi blkfront_abi64 = {XEN_IO_PROTO_ABI_X86_64, 112, 4};
const struct blkfront_abi blkfront_abi32 = {XEN_IO_PROTO_ABI_X86_32, 108, 0};

void blkfront_slots_init(struct blkfront_queue *q)
{
	for (unsigned int i = 0; i < q->ring.nr_ents; i++) {
		q->slot[i].next = (uint16_t)(i + 1);
		q->slot[i].bounce = q->slot_bounce + (size_t)i * blkfront_segments(q->bf);
	}
	q->free_slot = 0;
	q->tail = &q->head;
	for (unsigned int i = q->data_pages; i > q->bf->opts.buffer_pages; i--)
		q->bounce[q->nr_bounce++] = i - 1;
}

static struct blkfront_slot *slot_get(struct blkfront_queue *q, struct blkfront_req *req)
{
	struct blkfront_slot *slot = &q->slot[q->free_slot];

	q->free_slot = slot->next;
	slot->req = req;
	slot->op = req->op;
	slot->first = req->issued;
	slot->sectors = 0;
	return slot;
}

void blkfront_slot_release(struct blkfront_queue *q, struct blkfront_slot *slot)
{
	while (slot->nr_bounce)
		q->bounce[q->nr_bounce++] = slot->bounce[--slot->nr_bounce];
	slot->req = NULL;
	slot->generation++;
	slot->next = q->free_slot;
	q->free_slot = (uint16_t)(slot - q->slot);
}

static uint64_t slot_id(const struct blkfront_queue *q, const struct blkfront_slot *slot)
{
	return (uint64_t)slot->generation << 32 | (uint64_t)(slot - q->slot);
}

/* ---- segments ----------------------------------------------------------------------------- */

static char *bounce_page(const struct blkfront_queue *q, uint32_t page)
{
	return q->data + (size_t)page * BLKFRONT_PAGE;
}

static unsigned int at_most(unsigned int n, uint64_t left)
{
	return n < left ? n : (unsigned int)left;
}

/* The buffer's own pages: the first one may be used from its middle. */
static unsigned int segment_direct(const struct blkfront_queue *q, const char *at, uint64_t left,
				   struct blkif_request_segment *seg)
{
	size_t offset = (size_t)(at - q->data);
	unsigned int first = (unsigned int)(offset % BLKFRONT_PAGE) / BLKFRONT_SECTOR;
	unsigned int n = at_most(PAGE_SECTORS - first, left);

	seg->gref = q->data_ref[offset / BLKFRONT_PAGE];
	seg->first_sect = (uint8_t)first;
	seg->last_sect = (uint8_t)(first + n - 1);
	return n;
}

/* Returns 0 when all bounce pages are lent. */
static unsigned int segment_bounce(struct blkfront_queue *q, struct blkfront_slot *slot,
				   const char *at, uint64_t left, struct blkif_request_segment *seg)
{
	unsigned int n = at_most(PAGE_SECTORS, left);
	uint32_t page;

	if (!q->nr_bounce)
		return 0;
	page = q->bounce[--q->nr_bounce];
	slot->bounce[slot->nr_bounce++] = page;
	if (slot->op != BLKIF_OP_READ)
		memcpy(bounce_page(q, page), at, (size_t)n * BLKFRONT_SECTOR);
	seg->gref = q->data_ref[page];
	seg->first_sect = 0;
	seg->last_sect = (uint8_t)(n - 1);
	return n;
}

void blkfront_slot_copy(struct blkfront_queue *q, struct blkfront_slot *slot)
{
	char *to = (char *)slot->req->buf + slot->first * BLKFRONT_SECTOR;
	size_t left = (size_t)slot->sectors * BLKFRONT_SECTOR;

	for (unsigned int i = 0; i < slot->nr_bounce; i++) {
		size_t n = left < BLKFRONT_PAGE ? left : BLKFRONT_PAGE;

		memcpy(to, bounce_page(q, slot->bounce[i]), n);
		to += n;
		left -= n;
	}
}

/* Up to @max segments of what is left of the request.  Number of them. */
static unsigned int slot_fill(struct blkfront_queue *q, struct blkfront_slot *slot,
			      struct blkif_request_segment *seg, unsigned int max)
{
	struct blkfront_req *req = slot->req;
	const char *at = (char *)req->buf + req->issued * BLKFRONT_SECTOR;
	uint64_t left = req->sectors - req->issued;
	unsigned int i, n;

	for (i = 0; left && i < max; i++) {
		n = req->direct ? segment_direct(q, at, left, &seg[i])
				: segment_bounce(q, slot, at, left, &seg[i]);
		if (!n)
			break;
		at += n * BLKFRONT_SECTOR;
		slot->sectors += n;
		left -= n;
	}
	return i;
}

/* ---- pieces ------------------------------------------------------------------------------- */

/* @r has its segments already. */
static void ordinary_put(struct blkfront_queue *q, const struct blkfront_slot *slot,
			 blkif_request_t *r, unsigned int n)
{
	const struct blkfront_req *req = slot->req;

	r->operation = slot->op;
	r->nr_segments = (uint8_t)n;
	r->handle = (blkif_vdev_t)q->bf->front.devid;
	r->id = slot_id(q, slot);
	r->sector_number = req->sectors ? req->sector + slot->first : 0;
	blkfront_put(q, q->ring.req_prod_pvt, r,
		     offsetof(blkif_request_t, seg) + n * sizeof(r->seg[0]));
}

/* The slot's own indirect pages: they follow each other, so that they are one array. */
static struct blkif_request_segment *slot_indirect(const struct blkfront_queue *q,
						   const struct blkfront_slot *slot)
{
	size_t page = (size_t)(slot - q->slot) * q->bf->indirect_pages;

	return q->indirect + page * BLKFRONT_PAGE_SEGMENTS;
}

/* Is what is left of the request more than an ordinary one can take? */
static bool wants_indirect(const struct blkfront_queue *q, const struct blkfront_req *req)
{
	uint64_t left = req->sectors - req->issued, head = 0;

	if (req->direct)
		head = (uintptr_t)req->buf / BLKFRONT_SECTOR + req->issued;
	return q->bf->info.indirect && req->op <= BLKIF_OP_WRITE &&
	       head % PAGE_SECTORS + left > BLKFRONT_PIECE_SECTORS;
}

static void indirect_put(struct blkfront_queue *q, const struct blkfront_slot *slot, unsigned int n)
{
	size_t page = (size_t)(slot - q->slot) * q->bf->indirect_pages;
	unsigned int pages = (n + BLKFRONT_PAGE_SEGMENTS - 1) / BLKFRONT_PAGE_SEGMENTS;
	blkif_request_indirect_t r = {.operation = BLKIF_OP_INDIRECT,
				      .indirect_op = slot->op,
				      .nr_segments = (uint16_t)n,
				      .id = slot_id(q, slot),
				      .sector_number = slot->req->sector + slot->first,
				      .handle = (blkif_vdev_t)q->bf->front.devid};

	memcpy(r.indirect_grefs, q->indirect_ref + page, pages * sizeof(*q->indirect_ref));
	blkfront_put(q, q->ring.req_prod_pvt, &r, sizeof(r));
	q->stats.indirect++;
}

/* A long read or write, by indirect pages if enough of it can go now. */
static unsigned int long_put(struct blkfront_queue *q, struct blkfront_slot *slot)
{
	struct blkif_request_segment *seg = slot_indirect(q, slot);
	unsigned int n = slot_fill(q, slot, seg, q->bf->info.indirect);
	blkif_request_t r;

	if (n > BLKFRONT_SEGMENTS) {
		indirect_put(q, slot, n);
	} else if (n) {
		memcpy(r.seg, seg, n * sizeof(*seg));
		ordinary_put(q, slot, &r, n);
	}
	return n;
}

/* Read, write, barrier or flush.  False: there are not enough bounce pages now. */
static bool data_put(struct blkfront_queue *q, struct blkfront_slot *slot)
{
	struct blkfront_req *req = slot->req;
	blkif_request_t r;
	unsigned int n;

	if (wants_indirect(q, req))
		return long_put(q, slot);
	n = slot_fill(q, slot, r.seg, BLKFRONT_SEGMENTS);
	if (slot->first + slot->sectors < req->sectors && (!n || req->op == BLKIF_OP_WRITE_BARRIER))
		return false;
	ordinary_put(q, slot, &r, n);
	return true;
}

static void discard_put(struct blkfront_queue *q, const struct blkfront_slot *slot)
{
	const struct blkfront_req *req = slot->req;
	blkif_request_discard_t r = {.operation = BLKIF_OP_DISCARD,
				     .handle = (blkif_vdev_t)q->bf->front.devid,
				     .id = slot_id(q, slot),
				     .sector_number = req->sector,
				     .nr_sectors = req->sectors};

	blkfront_put(q, q->ring.req_prod_pvt, &r, sizeof(r));
}

/* Put the next piece on the ring; false when there is no room for it now. */
static bool piece_put(struct blkfront_queue *q, struct blkfront_req *req)
{
	struct blkfront_slot *slot;

	if (RING_FULL(&q->ring))
		return false;
	slot = slot_get(q, req);
	if (req->op == BLKIF_OP_DISCARD) {
		discard_put(q, slot);
		req->issued = req->sectors;
	} else if (!data_put(q, slot)) {
		blkfront_slot_release(q, slot);
		return false;
	}
	req->issued += slot->sectors;
	q->ring.req_prod_pvt++;
	q->stats.requests++;
	q->in_flight++;
	req->pieces++;
	return true;
}

void blkfront_pump(struct blkfront_queue *q)
{
	struct blkfront_req *req;

	while ((req = q->head)) {
		do {
			if (!piece_put(q, req))
				return;
		} while (req->issued < req->sectors);
		req->whole = true;
		q->head = req->next;
		if (!q->head)
			q->tail = &q->head;
	}
}

/* ---- what may be submitted ---------------------------------------------------------------- */

static bool is_direct(const struct blkfront_queue *q, const struct blkfront_req *req)
{
	const char *start = req->buf, *end = start + req->sectors * BLKFRONT_SECTOR;

	return start >= q->data &&
	       end <= q->data + (size_t)q->bf->opts.buffer_pages * BLKFRONT_PAGE &&
	       (uintptr_t)start % BLKFRONT_SECTOR == 0;
}

static bool barrier_fits(const struct blkfront_req *req)
{
	uint64_t head = req->direct ? (uintptr_t)req->buf % BLKFRONT_PAGE / BLKFRONT_SECTOR : 0;

	return req->sectors <= BLKFRONT_PIECE_SECTORS &&
	       head + req->sectors <= BLKFRONT_PIECE_SECTORS;
}

static bool data_valid(const struct blkfront_queue *q, const struct blkfront_req *req)
{
	return req->buf && (req->direct || q->data_pages > q->bf->opts.buffer_pages);
}

static bool req_valid(const struct blkfront_queue *q, const struct blkfront_req *req)
{
	switch (req->op) {
	case BLKIF_OP_READ:
	case BLKIF_OP_WRITE:
		return req->sectors && data_valid(q, req);
	case BLKIF_OP_WRITE_BARRIER:
		return !req->sectors || (data_valid(q, req) && barrier_fits(req));
	case BLKIF_OP_FLUSH_DISKCACHE:
		return !req->sectors;
	case BLKIF_OP_DISCARD:
		return req->sectors;
	}
	return false;
}

int blkfront_submit(struct blkfront_queue *q, struct blkfront_req *req)
{
	int err = blkfront_error(q);

	if (err)
		return err;
	if (__atomic_load_n(&q->bf->closing_end, __ATOMIC_RELAXED))
		return -ESHUTDOWN;
	req->direct = is_direct(q, req);
	if (!req_valid(q, req))
		return -EINVAL;
	req->next = NULL;
	req->issued = 0;
	req->pieces = 0;
	req->err = 0;
	req->whole = false;
	*q->tail = req;
	q->tail = &req->next;
	if (q->head == req)
		blkfront_pump(q);
	return 0;
}
