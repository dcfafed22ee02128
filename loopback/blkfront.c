// SPDX-License-Identifier: MIT
/*
 * The reference frontend of a PV disk: connecting and closing, as Linux's xen-blkfront does it.
 *
 * It owns what a connection needs: the ring's pages and the data pages, granted to the backend's
 * domain for as long as the device is open, one event channel port, and the keys in
 * device/vbd/DEVID.  Data pages are granted once and used again and again without the backend
 * keeping maps of them; that is an ordinary frontend to a backend which copies.
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

static const char *const stale_keys[] = {"ring-ref",	"ring-page-order", "num-ring-pages",
					 "multi-queue", "queue-",	   "event-channel",
					 "protocol",	"feature-",	   NULL};

/* ---- connecting --------------------------------------------------------------------------- */

static int open_error(const struct blkfront *bf, int err, const char *what)
{
	fprintf(stderr, "vbd %u: %s: %s\n", bf->front.devid, what, strerror(-err));
	return err;
}

static int ring_share(struct blkfront *bf)
{
	void *pages;

	bf->ring_pages = 1U << bf->opts.ring_order;
	pages = xengntshr_share_pages(bf->guest->gntshr, bf->front.backend_id, (int)bf->ring_pages,
				      bf->ring_ref, 1);
	if (!pages)
		return open_error(bf, -errno, "cannot grant the ring's pages");
	memset(pages, 0, (size_t)bf->ring_pages * BLKFRONT_PAGE);
	blkfront_ring_init(bf, pages);
	return 0;
}

static int data_share(struct blkfront *bf)
{
	struct blkfront_opts *o = &bf->opts;

	if (!o->buffer_pages && !o->bounce_pages)
		o->bounce_pages = bf->ring.nr_ents * BLKFRONT_SEGMENTS;
	else if (o->bounce_pages && o->bounce_pages < BLKFRONT_SEGMENTS)
		o->bounce_pages = BLKFRONT_SEGMENTS;
	bf->data_pages = o->buffer_pages + o->bounce_pages;
	bf->data_ref = calloc(bf->data_pages, sizeof(*bf->data_ref));
	bf->bounce = calloc(bf->data_pages, sizeof(*bf->bounce));
	if (!bf->data_ref || !bf->bounce)
		return open_error(bf, -ENOMEM, "cannot list the data pages");
	bf->data = xengntshr_share_pages(bf->guest->gntshr, bf->front.backend_id,
					 (int)bf->data_pages, bf->data_ref, !o->readonly_grants);
	if (!bf->data)
		return open_error(bf, -errno, "cannot grant the data pages");
	blkfront_slots_init(bf);
	return 0;
}

static int port_bind(struct blkfront *bf)
{
	int port = xenevtchn_bind_unbound_port(bf->guest->evtchn, bf->front.backend_id);

	if (port < 0)
		return open_error(bf, -errno, "cannot make an event channel");
	bf->port = (evtchn_port_t)port;
	return 0;
}

/* Our keys as Linux writes them, then opts.keys over them, and state 3. */
static int keys_publish(struct blkfront *bf)
{
	static char name[1U << BLKFRONT_MAX_ORDER][16];
	char value[(1U << BLKFRONT_MAX_ORDER) + 2][16];
	struct front_key key[(1U << BLKFRONT_MAX_ORDER) + 4 + 32];
	size_t n = 0, nr_keys = bf->opts.nr_keys < 32 ? bf->opts.nr_keys : 32;

	for (unsigned int i = 0; i < bf->ring_pages; i++) {
		snprintf(name[i], sizeof(name[i]), bf->ring_pages > 1 ? "ring-ref%u" : "ring-ref",
			 i);
		snprintf(value[n], sizeof(value[n]), "%u", bf->ring_ref[i]);
		key[n] = (struct front_key){name[i], value[n]};
		n++;
	}
	if (bf->ring_pages > 1) {
		snprintf(value[n], sizeof(value[n]), "%u", bf->opts.ring_order);
		key[n] = (struct front_key){"ring-page-order", value[n]};
		n++;
	}
	snprintf(value[n], sizeof(value[n]), "%u", bf->port);
	key[n] = (struct front_key){"event-channel", value[n]};
	n++;
	key[n++] = (struct front_key){"protocol", bf->abi->protocol};
	key[n++] = (struct front_key){"feature-persistent", "0"};
	for (size_t i = 0; i < nr_keys; i++)
		key[n++] = bf->opts.keys[i];
	return front_publish(&bf->front, stale_keys, key, n, XenbusStateInitialised);
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
}

static int order_check(struct blkfront *bf)
{
	bf->info.max_ring_order = (unsigned int)front_read(&bf->front, "max-ring-page-order", 0);
	if (bf->opts.ring_order <= BLKFRONT_MAX_ORDER &&
	    bf->opts.ring_order <= bf->info.max_ring_order)
		return 0;
	fprintf(stderr, "vbd %u: ring order %u is too large: the backend offers up to %u\n",
		bf->front.devid, bf->opts.ring_order, bf->info.max_ring_order);
	return -EINVAL;
}

static int connect_wait(struct blkfront *bf, int timeout_ms)
{
	int state = front_wait(&bf->front,
			       FRONT_STATE(XenbusStateConnected) | FRONT_STATE(XenbusStateClosing) |
				       FRONT_STATE(XenbusStateClosed) | FRONT_GONE,
			       timeout_ms);

	if (state < 0)
		return open_error(bf, state, "the backend did not connect");
	if (state != XenbusStateConnected)
		return open_error(bf, -ECONNREFUSED, "the backend closed instead of connecting");
	info_read(bf);
	return front_switch(&bf->front, XenbusStateConnected);
}

static int blkfront_connect(struct blkfront *bf, unsigned int devid)
{
	int timeout_ms = bf->opts.timeout_ms ? bf->opts.timeout_ms : GUEST_TIMEOUT;
	int err = front_open(&bf->front, bf->guest, "vbd", devid);

	bf->front.devid = devid;
	if (err)
		return open_error(bf, err, "this domain has no such disk");
	err = front_reset(&bf->front, timeout_ms);
	if (err)
		return open_error(bf, err, "the backend did not get ready (state 2)");
	if ((err = order_check(bf)) || (err = ring_share(bf)) || (err = data_share(bf)) ||
	    (err = port_bind(bf)))
		return err;
	err = keys_publish(bf);
	if (err)
		return open_error(bf, err, "cannot write the device's keys");
	return connect_wait(bf, timeout_ms);
}

/* ---- closing ------------------------------------------------------------------------------ */

static void blkfront_free(struct blkfront *bf)
{
	if (bf->port)
		xenevtchn_unbind(bf->guest->evtchn, bf->port);
	if (bf->data)
		xengntshr_unshare(bf->guest->gntshr, bf->data, bf->data_pages);
	if (bf->ring.sring)
		xengntshr_unshare(bf->guest->gntshr, bf->ring.sring, bf->ring_pages);
	front_close(&bf->front);
	free(bf->data_ref);
	free(bf->bounce);
	free(bf);
}

int blkfront_close(struct blkfront *bf)
{
	int err = front_shutdown(&bf->front,
				 bf->opts.timeout_ms ? bf->opts.timeout_ms : GUEST_TIMEOUT);

	if (!bf->error && (bf->in_flight || bf->head))
		blkfront_fail(bf, -ESHUTDOWN, "closed with requests in flight");
	blkfront_poll(bf);
	blkfront_free(bf);
	return err == -ENOENT ? 0 : err; /* the toolstack has taken the device away already */
}

void blkfront_backend_changed(struct blkfront *bf)
{
	front_drain(&bf->front);
	switch (front_backend_state(&bf->front)) {
	case XenbusStateConnected:
		bf->info.sectors = front_read(&bf->front, "sectors", bf->info.sectors);
		break;
	case XenbusStateClosing:
		if (!bf->closing_end)
			bf->closing_end = blkfront_clock() + DRAIN_NS;
		break;
	case XenbusStateClosed:
	case XenbusStateUnknown:
		bf->closing_end = 1;
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
	if (bf->port)
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

const struct blkfront_stats *blkfront_stats(const struct blkfront *bf)
{
	return &bf->stats;
}

void *blkfront_buffer(const struct blkfront *bf, unsigned int page)
{
	return page < bf->opts.buffer_pages ? bf->data + (size_t)page * BLKFRONT_PAGE : NULL;
}

unsigned int blkfront_entries(const struct blkfront *bf)
{
	return bf->ring.nr_ents;
}
