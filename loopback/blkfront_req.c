// SPDX-License-Identifier: MIT
/*
 * A disk frontend's requests, on their way to the ring.
 *
 * It owns the slots, one per ring entry, and the pages that a slot borrows while its request is in
 * flight.  A request longer than one ring request can carry goes on piece by piece, as room comes;
 * when there is none it waits in a queue, linked through the caller's own struct: nothing is
 * allocated here.
 *
 * It must never put a request on the ring that it could not tell the answer of: the id names the
 * slot and the slot's generation.
 */
#include <errno.h>

#include "loopback/blkfront_priv.h"

#define PAGE_SECTORS (BLKFRONT_PAGE / BLKFRONT_SECTOR)

const struct blkfront_abi blkfront_abi64 = {XEN_IO_PROTO_ABI_X86_64, 112, 4};
const struct blkfront_abi blkfront_abi32 = {XEN_IO_PROTO_ABI_X86_32, 108, 0};

void blkfront_slots_init(struct blkfront *bf)
{
	for (unsigned int i = 0; i < bf->ring.nr_ents; i++)
		bf->slot[i].next = (uint16_t)(i + 1);
	bf->free_slot = 0;
	bf->tail = &bf->head;
	for (unsigned int i = bf->data_pages; i > bf->opts.buffer_pages; i--)
		bf->bounce[bf->nr_bounce++] = i - 1;
}

static struct blkfront_slot *slot_get(struct blkfront *bf, struct blkfront_req *req)
{
	struct blkfront_slot *slot = &bf->slot[bf->free_slot];

	bf->free_slot = slot->next;
	slot->req = req;
	slot->op = req->op;
	slot->first = req->issued;
	slot->sectors = 0;
	return slot;
}

void blkfront_slot_release(struct blkfront *bf, struct blkfront_slot *slot)
{
	while (slot->nr_bounce)
		bf->bounce[bf->nr_bounce++] = slot->bounce[--slot->nr_bounce];
	slot->req = NULL;
	slot->generation++;
	slot->next = bf->free_slot;
	bf->free_slot = (uint16_t)(slot - bf->slot);
}

static uint64_t slot_id(const struct blkfront *bf, const struct blkfront_slot *slot)
{
	return (uint64_t)slot->generation << 32 | (uint64_t)(slot - bf->slot);
}

/* ---- segments ----------------------------------------------------------------------------- */

static char *bounce_page(const struct blkfront *bf, uint32_t page)
{
	return bf->data + (size_t)page * BLKFRONT_PAGE;
}

static unsigned int at_most(unsigned int n, uint64_t left)
{
	return n < left ? n : (unsigned int)left;
}

/* The buffer's own pages: the first one may be used from its middle. */
static unsigned int segment_direct(const struct blkfront *bf, const char *at, uint64_t left,
				   struct blkif_request_segment *seg)
{
	size_t offset = (size_t)(at - bf->data);
	unsigned int first = (unsigned int)(offset % BLKFRONT_PAGE) / BLKFRONT_SECTOR;
	unsigned int n = at_most(PAGE_SECTORS - first, left);

	seg->gref = bf->data_ref[offset / BLKFRONT_PAGE];
	seg->first_sect = (uint8_t)first;
	seg->last_sect = (uint8_t)(first + n - 1);
	return n;
}

/* Returns 0 when all bounce pages are lent. */
static unsigned int segment_bounce(struct blkfront *bf, struct blkfront_slot *slot, const char *at,
				   uint64_t left, struct blkif_request_segment *seg)
{
	unsigned int n = at_most(PAGE_SECTORS, left);
	uint32_t page;

	if (!bf->nr_bounce)
		return 0;
	page = bf->bounce[--bf->nr_bounce];
	slot->bounce[slot->nr_bounce++] = page;
	if (slot->op != BLKIF_OP_READ)
		memcpy(bounce_page(bf, page), at, (size_t)n * BLKFRONT_SECTOR);
	seg->gref = bf->data_ref[page];
	seg->first_sect = 0;
	seg->last_sect = (uint8_t)(n - 1);
	return n;
}

void blkfront_slot_copy(struct blkfront *bf, struct blkfront_slot *slot)
{
	char *to = (char *)slot->req->buf + slot->first * BLKFRONT_SECTOR;
	size_t left = (size_t)slot->sectors * BLKFRONT_SECTOR;

	for (unsigned int i = 0; i < slot->nr_bounce; i++) {
		size_t n = left < BLKFRONT_PAGE ? left : BLKFRONT_PAGE;

		memcpy(to, bounce_page(bf, slot->bounce[i]), n);
		to += n;
		left -= n;
	}
}

static unsigned int slot_fill(struct blkfront *bf, struct blkfront_slot *slot,
			      struct blkif_request_segment *seg)
{
	struct blkfront_req *req = slot->req;
	const char *at = (char *)req->buf + req->issued * BLKFRONT_SECTOR;
	uint64_t left = req->sectors - req->issued;
	unsigned int i, n;

	for (i = 0; left && i < BLKFRONT_SEGMENTS; i++) {
		n = req->direct ? segment_direct(bf, at, left, &seg[i])
				: segment_bounce(bf, slot, at, left, &seg[i]);
		if (!n)
			break;
		at += n * BLKFRONT_SECTOR;
		slot->sectors += n;
		left -= n;
	}
	return i;
}

/* ---- pieces ------------------------------------------------------------------------------- */

/* Read, write, barrier or flush.  False: there are not enough bounce pages now. */
static bool data_put(struct blkfront *bf, struct blkfront_slot *slot)
{
	struct blkfront_req *req = slot->req;
	blkif_request_t r;
	unsigned int n = slot_fill(bf, slot, r.seg);
	bool all = req->issued + slot->sectors == req->sectors;

	if (!all && (!n || req->op == BLKIF_OP_WRITE_BARRIER))
		return false;
	r.operation = req->op;
	r.nr_segments = (uint8_t)n;
	r.handle = (blkif_vdev_t)bf->front.devid;
	r.id = slot_id(bf, slot);
	r.sector_number = req->sectors ? req->sector + req->issued : 0;
	blkfront_put(bf, bf->ring.req_prod_pvt, &r,
		     offsetof(blkif_request_t, seg) + n * sizeof(r.seg[0]));
	req->issued += slot->sectors;
	return true;
}

static void discard_put(struct blkfront *bf, const struct blkfront_slot *slot)
{
	struct blkfront_req *req = slot->req;
	blkif_request_discard_t r = {.operation = BLKIF_OP_DISCARD,
				     .handle = (blkif_vdev_t)bf->front.devid,
				     .id = slot_id(bf, slot),
				     .sector_number = req->sector,
				     .nr_sectors = req->sectors};

	blkfront_put(bf, bf->ring.req_prod_pvt, &r, sizeof(r));
	req->issued = req->sectors;
}

/* Put the next piece on the ring; false when there is no room for it now. */
static bool piece_put(struct blkfront *bf, struct blkfront_req *req)
{
	struct blkfront_slot *slot;

	if (RING_FULL(&bf->ring))
		return false;
	slot = slot_get(bf, req);
	if (req->op == BLKIF_OP_DISCARD) {
		discard_put(bf, slot);
	} else if (!data_put(bf, slot)) {
		blkfront_slot_release(bf, slot);
		return false;
	}
	bf->ring.req_prod_pvt++;
	bf->stats.requests++;
	bf->in_flight++;
	req->pieces++;
	return true;
}

void blkfront_pump(struct blkfront *bf)
{
	struct blkfront_req *req;

	while ((req = bf->head)) {
		do {
			if (!piece_put(bf, req))
				return;
		} while (req->issued < req->sectors);
		req->whole = true;
		bf->head = req->next;
		if (!bf->head)
			bf->tail = &bf->head;
	}
}

/* ---- what may be submitted ---------------------------------------------------------------- */

static bool is_direct(const struct blkfront *bf, const struct blkfront_req *req)
{
	const char *start = req->buf, *end = start + req->sectors * BLKFRONT_SECTOR;

	return start >= bf->data &&
	       end <= bf->data + (size_t)bf->opts.buffer_pages * BLKFRONT_PAGE &&
	       (uintptr_t)start % BLKFRONT_SECTOR == 0;
}

static bool barrier_fits(const struct blkfront_req *req)
{
	uint64_t head = req->direct ? (uintptr_t)req->buf % BLKFRONT_PAGE / BLKFRONT_SECTOR : 0;

	return req->sectors <= BLKFRONT_PIECE_SECTORS &&
	       head + req->sectors <= BLKFRONT_PIECE_SECTORS;
}

static bool data_valid(const struct blkfront *bf, const struct blkfront_req *req)
{
	return req->buf && (req->direct || bf->data_pages > bf->opts.buffer_pages);
}

static bool req_valid(const struct blkfront *bf, const struct blkfront_req *req)
{
	switch (req->op) {
	case BLKIF_OP_READ:
	case BLKIF_OP_WRITE:
		return req->sectors && data_valid(bf, req);
	case BLKIF_OP_WRITE_BARRIER:
		return !req->sectors || (data_valid(bf, req) && barrier_fits(req));
	case BLKIF_OP_FLUSH_DISKCACHE:
		return !req->sectors;
	case BLKIF_OP_DISCARD:
		return req->sectors;
	}
	return false;
}

int blkfront_submit(struct blkfront *bf, struct blkfront_req *req)
{
	if (bf->error)
		return bf->error;
	if (bf->closing_end)
		return -ESHUTDOWN;
	req->direct = is_direct(bf, req);
	if (!req_valid(bf, req))
		return -EINVAL;
	req->next = NULL;
	req->issued = 0;
	req->pieces = 0;
	req->err = 0;
	req->whole = false;
	*bf->tail = req;
	bf->tail = &req->next;
	if (bf->head == req)
		blkfront_pump(bf);
	return 0;
}
