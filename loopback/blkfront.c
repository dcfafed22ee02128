// SPDX-License-Identifier: MIT
/*
 * The reference frontend of a PV disk: connecting and closing, as Linux's xen-blkfront does it.
 *
 * It owns the device: what was negotiated, the queues, and the one watch on the backend's state,
 * which whatever queue's thread sees first, tells to all of them.
 *
 * Units are blkif.h's as Linux reads it: 512-byte sectors everywhere, whatever sector-size says.
 * It must never leave a grant behind that the backend could still write to while we reuse the page:
 * pages are only given back after the backend's state is Closed.
 */
#include "loopback/blkfront.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "loopback/blkfront_priv.h"

#define DRAIN_NS 2000000000U /* that a backend which wants to close gets for its last answers */

/* ---- connecting --------------------------------------------------------------------------- */

static unsigned int offer_read(const struct front *f, const char *key, unsigned int absent)
{
	uint64_t offer = front_read(f, key, absent);

	return offer < UINT32_MAX ? (unsigned int)offer : UINT32_MAX;
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* What of our wishes the backend's offers allow; they stand by its state 2. */
static int negotiate(struct blkfront *bf)
{
	const struct blkfront_opts *o = &bf->opts;
	struct blkfront_info *info = &bf->info;

	info->max_ring_order = offer_read(&bf->front, "max-ring-page-order", 0);
	info->max_queues = offer_read(&bf->front, "multi-queue-max-queues", 1);
	info->max_indirect = offer_read(&bf->front, "feature-max-indirect-segments", 0);
	if (o->ring_order > least(BLKFRONT_MAX_ORDER, info->max_ring_order)) {
		fprintf(stderr, "vbd %u: ring order %u is too large: the backend offers up to %u\n",
			bf->front.devid, o->ring_order, info->max_ring_order);
		return -EINVAL;
	}
	bf->ring_pages = 1U << o->ring_order;
	info->queues = least(least(o->queues, info->max_queues), BLKFRONT_MAX_QUEUES);
	if (!info->queues)
		info->queues = 1;
	info->indirect = least(least(o->indirect, info->max_indirect), BLKFRONT_MAX_INDIRECT);
	if (info->indirect <= BLKFRONT_SEGMENTS)
		info->indirect = 0; /* an ordinary request has as many */
	bf->indirect_pages = (info->indirect + BLKFRONT_PAGE_SEGMENTS - 1) / BLKFRONT_PAGE_SEGMENTS;
	return 0;
}

static void info_read(struct blkfront *bf)
{
	const struct front *f = &bf->front;
	struct blkfront_info *info = &bf->info;

	info->sectors = front_read(f, "sectors", 0);
	info->sector_size = (uint32_t)front_read(f, "sector-size", BLKFRONT_SECTOR);
	info->physical_sector_size =
		(uint32_t)front_read(f, "physical-sector-size", info->sector_size);
	info->readonly = front_read(f, "info", 0) & VDISK_READONLY;
	info->flush = front_read(f, "feature-flush-cache", 0);
	info->barrier = front_read(f, "feature-barrier", 0);
	info->discard = front_read(f, "feature-discard", 0);
	info->discard_granularity =
		(uint32_t)front_read(f, "discard-granularity", info->sector_size);
	info->discard_alignment = (uint32_t)front_read(f, "discard-alignment", 0);
	info->persistent = bf->opts.persistent && front_read(f, "feature-persistent", 0);
}

static int connect_wait(struct blkfront *bf, int timeout_ms)
{
	int state = front_wait(&bf->front,
			       FRONT_STATE(XenbusStateConnected) | FRONT_STATE(XenbusStateClosing) |
				       FRONT_STATE(XenbusStateClosed) | FRONT_GONE,
			       timeout_ms);

	if (state < 0)
		return blkfront_open_error(bf, state, "the backend did not connect");
	if (state != XenbusStateConnected)
		return blkfront_open_error(bf, -ECONNREFUSED,
					   "the backend closed instead of connecting");
	info_read(bf);
	return front_switch(&bf->front, XenbusStateConnected);
}

static int blkfront_connect(struct blkfront *bf, unsigned int devid)
{
	int timeout_ms = bf->opts.timeout_ms ? bf->opts.timeout_ms : GUEST_TIMEOUT;
	int err = front_open(&bf->front, bf->guest, "vbd", devid);

	bf->front.devid = devid;
	if (err)
		return blkfront_open_error(bf, err, "this domain has no such disk");
	err = front_reset(&bf->front, timeout_ms);
	if (err)
		return blkfront_open_error(bf, err, "the backend did not get ready (state 2)");
	err = negotiate(bf);
	for (unsigned int i = 0; !err && i < bf->info.queues; i++)
		err = blkfront_queue_open(bf, i);
	if (err)
		return err;
	err = blkfront_keys_publish(bf);
	if (err)
		return blkfront_open_error(bf, err, "cannot write the device's keys");
	bf->published = true;
	return connect_wait(bf, timeout_ms);
}

/* ---- closing ------------------------------------------------------------------------------ */

static void blkfront_free(struct blkfront *bf)
{
	for (unsigned int i = 0; i < BLKFRONT_MAX_QUEUES && bf->queue[i]; i++)
		blkfront_queue_close(bf->queue[i]);
	front_close(&bf->front);
	free(bf);
}

static bool is_busy(const struct blkfront *bf)
{
	for (unsigned int i = 0; i < bf->info.queues; i++)
		if (!bf->queue[i]->error && (bf->queue[i]->in_flight || bf->queue[i]->head))
			return true;
	return false;
}

int blkfront_close(struct blkfront *bf)
{
	int err = front_shutdown(&bf->front,
				 bf->opts.timeout_ms ? bf->opts.timeout_ms : GUEST_TIMEOUT);

	if (!bf->error && is_busy(bf))
		blkfront_fail(bf, -ESHUTDOWN, "closed with requests in flight");
	for (unsigned int i = 0; i < bf->info.queues; i++)
		blkfront_poll(bf->queue[i]);
	blkfront_free(bf);
	return err == -ENOENT ? 0 : err; /* the toolstack has taken the device away already */
}

static void closing_set(struct blkfront *bf, bool gone)
{
	uint64_t no = 0, end = blkfront_clock() + DRAIN_NS;

	if (gone)
		__atomic_store_n(&bf->closing_end, 1, __ATOMIC_RELEASE);
	else
		__atomic_compare_exchange_n(&bf->closing_end, &no, end, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED);
	blkfront_kick(bf);
}

void blkfront_backend_changed(struct blkfront *bf)
{
	uint64_t sectors;

	front_drain(&bf->front);
	switch (front_backend_state(&bf->front)) {
	case XenbusStateConnected:
		sectors = front_read(&bf->front, "sectors", 0);
		if (sectors)
			__atomic_store_n(&bf->info.sectors, sectors, __ATOMIC_RELAXED);
		break;
	case XenbusStateClosing:
		closing_set(bf, false);
		break;
	case XenbusStateClosed:
	case XenbusStateUnknown:
		closing_set(bf, true);
		break;
	default:
		break;
	}
}

struct blkfront *blkfront_open(struct guest *g, unsigned int devid,
			       const struct blkfront_opts *opts)
{
	struct blkfront *bf = calloc(1, sizeof(*bf));
	int err;

	if (!bf)
		return NULL;
	bf->guest = g;
	bf->opts = opts ? *opts : (struct blkfront_opts){.spin_us = 5};
	bf->abi = bf->opts.abi32 ? &blkfront_abi32 : &blkfront_abi64;
	err = blkfront_connect(bf, devid);
	if (!err)
		return bf;
	if (bf->published)
		front_shutdown(&bf->front, 2000);
	blkfront_free(bf);
	errno = -err;
	return NULL;
}

/* ---- looking ------------------------------------------------------------------------------ */

const struct blkfront_info *blkfront_info(const struct blkfront *bf)
{
	return &bf->info;
}

struct blkfront_queue *blkfront_queue(struct blkfront *bf, unsigned int i)
{
	return i < bf->info.queues ? bf->queue[i] : NULL;
}

const struct blkfront_stats *blkfront_stats(const struct blkfront_queue *q)
{
	return &q->stats;
}

void *blkfront_buffer(const struct blkfront_queue *q, unsigned int page)
{
	return page < q->bf->opts.buffer_pages ? q->data + (size_t)page * BLKFRONT_PAGE : NULL;
}

unsigned int blkfront_entries(const struct blkfront_queue *q)
{
	return q->ring.nr_ents;
}
