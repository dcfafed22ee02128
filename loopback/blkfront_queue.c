// SPDX-License-Identifier: MIT
/*
 * What a queue of a disk's frontend is made of: the ring's pages, the data pages and the pages for
 * long lists of segments, all granted to the backend's domain for as long as the device is open;
 * and an event channel with a handle of its own, since a handle's events go to one thread.
 *
 * Data pages are granted once and used again and again, and those that a copy goes through are
 * taken from a stack: an ordinary frontend to a backend which copies, and to one that keeps maps
 * the few pages that are in use are always the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loopback/blkfront_priv.h"

/* Bounce pages, of all queues together. */
#define PLENTY (BLKFRONT_MAX_ENTRIES * BLKFRONT_SEGMENTS)

int blkfront_open_error(const struct blkfront *bf, int err, const char *what)
{
	fprintf(stderr, "vbd %u: %s: %s\n", bf->front.devid, what, strerror(-err));
	return err;
}

static void *pages_share(struct blkfront *bf, unsigned int n, grant_ref_t *ref, bool writable)
{
	return xengntshr_share_pages(bf->guest->gntshr, bf->front.backend_id, (int)n, ref,
				     writable);
}

static int ring_share(struct blkfront_queue *q)
{
	struct blkfront *bf = q->bf;
	void *pages = pages_share(bf, bf->ring_pages, q->ring_ref, true);

	if (!pages)
		return blkfront_open_error(bf, -errno, "cannot grant the ring's pages");
	memset(pages, 0, (size_t)bf->ring_pages * BLKFRONT_PAGE);
	blkfront_ring_init(q, pages);
	return 0;
}

/* Read-only but for a backend that keeps maps, which it makes before it knows what they are for. */
static int indirect_share(struct blkfront_queue *q)
{
	struct blkfront *bf = q->bf;
	unsigned int n = bf->indirect_pages * q->ring.nr_ents;

	if (!n)
		return 0;
	q->indirect_ref = calloc(n, sizeof(*q->indirect_ref));
	if (q->indirect_ref)
		q->indirect = pages_share(bf, n, q->indirect_ref, bf->opts.persistent);
	if (!q->indirect)
		return blkfront_open_error(bf, -errno, "cannot grant the indirect pages");
	return 0;
}

static unsigned int bounce_pages(const struct blkfront_queue *q)
{
	const struct blkfront *bf = q->bf;
	unsigned int n = bf->opts.bounce_pages;

	if (!n && bf->opts.buffer_pages)
		return 0;
	if (!n)
		n = q->ring.nr_ents * BLKFRONT_SEGMENTS;
	if (!bf->opts.bounce_pages && n > PLENTY / bf->info.queues)
		n = PLENTY / bf->info.queues;
	return n < BLKFRONT_SEGMENTS ? BLKFRONT_SEGMENTS : n;
}

static int data_share(struct blkfront_queue *q)
{
	struct blkfront *bf = q->bf;

	q->data_pages = bf->opts.buffer_pages + bounce_pages(q);
	q->data_ref = calloc(q->data_pages, sizeof(*q->data_ref));
	q->bounce = calloc(q->data_pages, sizeof(*q->bounce));
	q->slot_bounce = calloc(q->ring.nr_ents, blkfront_segments(bf) * sizeof(*q->slot_bounce));
	if (!q->data_ref || !q->bounce || !q->slot_bounce)
		return blkfront_open_error(bf, -ENOMEM, "cannot list the data pages");
	q->data = pages_share(bf, q->data_pages, q->data_ref, !bf->opts.readonly_grants);
	if (!q->data)
		return blkfront_open_error(bf, -errno, "cannot grant the data pages");
	blkfront_slots_init(q);
	return 0;
}

static int port_bind(struct blkfront_queue *q)
{
	struct blkfront *bf = q->bf;
	int port;

	q->evtchn = xenevtchn_open(NULL, 0);
	if (!q->evtchn)
		return blkfront_open_error(
			bf, -errno,
			"cannot open the event channels (on real Xen: is xen-evtchn loaded?)");
	port = xenevtchn_bind_unbound_port(q->evtchn, bf->front.backend_id);
	if (port < 0)
		return blkfront_open_error(bf, -errno, "cannot make an event channel");
	q->port = (evtchn_port_t)port;
	q->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return q->kick_fd < 0 ? blkfront_open_error(bf, -errno, "cannot make an eventfd") : 0;
}

int blkfront_queue_open(struct blkfront *bf, unsigned int i)
{
	struct blkfront_queue *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return blkfront_open_error(bf, -ENOMEM, "cannot make a queue");
	q->bf = bf;
	q->kick_fd = -1;
	bf->queue[i] = q;
	if ((err = ring_share(q)) || (err = indirect_share(q)) || (err = data_share(q)) ||
	    (err = port_bind(q)))
		return err;
	return 0;
}

void blkfront_queue_close(struct blkfront_queue *q)
{
	struct blkfront *bf = q->bf;
	xengntshr_handle *gntshr = bf->guest->gntshr;

	if (q->evtchn)
		xenevtchn_close(q->evtchn); /* and the port with it */
	if (q->kick_fd >= 0)
		close(q->kick_fd);
	if (q->data)
		xengntshr_unshare(gntshr, q->data, q->data_pages);
	if (q->indirect)
		xengntshr_unshare(gntshr, q->indirect, bf->indirect_pages * q->ring.nr_ents);
	if (q->ring.sring)
		xengntshr_unshare(gntshr, q->ring.sring, bf->ring_pages);
	free(q->data_ref);
	free(q->indirect_ref);
	free(q->bounce);
	free(q->slot_bounce);
	free(q);
}
