// SPDX-License-Identifier: MIT
/*
 * What a queue of a NIC's frontend is made of: two rings of a page each, a page for each of their
 * entries, all granted to the backend's domain for as long as the device is open, and an event
 * channel or two on a handle of its own, since a handle's events go to one thread.
 *
 * Pages are granted once and used again and again.  A packet is built in them and looked at in
 * them: neither direction copies.  Those to send from are granted read-only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "loopback/netfront_priv.h"

void *netfront_share(struct netfront *nf, unsigned int n, grant_ref_t *ref, bool writable)
{
	void *pages = xengntshr_share_pages(nf->guest->gntshr, nf->front.backend_id, (int)n, ref,
					    writable);

	if (pages)
		memset(pages, 0, (size_t)n * NETFRONT_PAGE);
	else
		netfront_open_error(nf, -errno, "cannot grant pages");
	return pages;
}

static int rings_share(struct netfront_queue *q)
{
	struct netif_tx_sring *tx = netfront_share(q->nf, 1, &q->tx_ref, true);
	struct netif_rx_sring *rx;

	if (!tx)
		return -ENOMEM;
	XEN_FRONT_RING_INIT(&q->tx, tx, NETFRONT_PAGE);
	rx = netfront_share(q->nf, 1, &q->rx_ref, true);
	if (!rx)
		return -ENOMEM;
	XEN_FRONT_RING_INIT(&q->rx, rx, NETFRONT_PAGE);
	return 0;
}

void netfront_queue_init(struct netfront_queue *q)
{
	for (unsigned int i = 0; i < NETFRONT_ENTRIES; i++) {
		q->idle[i] = (uint16_t)(NETFRONT_ENTRIES - 1 - i); /* page 0 is used first */
		q->held[i] = (uint16_t)i;
	}
	q->idles = NETFRONT_ENTRIES;
	q->helds = NETFRONT_ENTRIES;
}

static int pages_share(struct netfront_queue *q)
{
	q->tx_pages = netfront_share(q->nf, NETFRONT_ENTRIES, q->ref, false);
	if (q->tx_pages)
		q->rx_pages =
			netfront_share(q->nf, NETFRONT_ENTRIES, q->ref + NETFRONT_ENTRIES, true);
	if (!q->rx_pages)
		return -ENOMEM;
	netfront_queue_init(q);
	netfront_rx_release(q);
	return 0;
}

static int port_bind(struct netfront_queue *q, evtchn_port_t *port)
{
	int p = xenevtchn_bind_unbound_port(q->evtchn, q->nf->front.backend_id);

	if (p < 0)
		return netfront_open_error(q->nf, -errno, "cannot make an event channel");
	*port = (evtchn_port_t)p;
	return 0;
}

static int ports_bind(struct netfront_queue *q)
{
	int err;

	q->evtchn = xenevtchn_open(NULL, 0);
	if (!q->evtchn)
		return netfront_open_error(
			q->nf, -errno,
			"cannot open the event channels (on real Xen: is xen-evtchn loaded?)");
	err = port_bind(q, &q->tx_port);
	if (err)
		return err;
	q->rx_port = q->tx_port;
	return q->nf->info.split ? port_bind(q, &q->rx_port) : 0;
}

int netfront_queue_open(struct netfront *nf, unsigned int i)
{
	struct netfront_queue *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return netfront_open_error(nf, -ENOMEM, "cannot make a queue");
	q->nf = nf;
	nf->queue[i] = q;
	if ((err = rings_share(q)) || (err = pages_share(q)) || (err = ports_bind(q)))
		return err;
	return 0;
}

void netfront_queue_close(struct netfront_queue *q)
{
	xengntshr_handle *gntshr = q->nf->guest->gntshr;

	if (q->evtchn)
		xenevtchn_close(q->evtchn); /* and the ports with it */
	if (q->tx_pages)
		xengntshr_unshare(gntshr, q->tx_pages, NETFRONT_ENTRIES);
	if (q->rx_pages)
		xengntshr_unshare(gntshr, q->rx_pages, NETFRONT_ENTRIES);
	if (q->rx.sring)
		xengntshr_unshare(gntshr, q->rx.sring, 1);
	if (q->tx.sring)
		xengntshr_unshare(gntshr, q->tx.sring, 1);
	free(q);
}

/* ---- both rings ------------------------------------------------------------------------------ */

static void queue_notify(struct netfront_queue *q, evtchn_port_t port)
{
	if (xenevtchn_notify(q->evtchn, port))
		netfront_fail(q->nf, -errno, "cannot notify the backend");
}

void netfront_push(struct netfront_queue *q)
{
	int tx = 0, rx = 0;

	if (netfront_error(q->nf))
		return;
	/* Its wmb pairs with the backend's rmb after reading req_prod; its mb with the one in the
	 * backend's final check, between setting req_event and looking at req_prod again. */
	if (q->tx.req_prod_pvt != q->tx.sring->req_prod) {
		RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&q->tx, tx);
		q->stats.tx_pushes++;
	}
	if (q->rx.req_prod_pvt != q->rx.sring->req_prod) {
		RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&q->rx, rx);
		q->stats.rx_pushes++;
	}
	q->stats.tx_notifies += (unsigned int)tx;
	q->stats.rx_notifies += (unsigned int)rx;
	if (tx)
		queue_notify(q, q->tx_port);
	if (rx && (!tx || q->rx_port != q->tx_port))
		queue_notify(q, q->rx_port);
}

/* As ring.h's final check, but for the answers to half of what is under way. */
static bool tx_arm(struct netfront_queue *q)
{
	q->tx.sring->rsp_event = q->tx.rsp_cons + (netfront_tx_used(q) >> 1) + 1;
	xen_mb(); /* rsp_event before rsp_prod: pairs with the mb in the backend's push */
	return *(volatile RING_IDX *)&q->tx.sring->rsp_prod - q->tx.rsp_cons >
	       netfront_tx_used(q) >> 1;
}

bool netfront_arm(struct netfront_queue *q, bool tx)
{
	int work;

	if (netfront_error(q->nf))
		return false;
	/* Its mb pairs with the one in the backend's push, between rsp_prod and rsp_event. */
	RING_FINAL_CHECK_FOR_RESPONSES(&q->rx, work);
	if (tx && netfront_tx_used(q) && tx_arm(q))
		work = 1;
	return work;
}

int netfront_queue_fd(const struct netfront_queue *q)
{
	return xenevtchn_fd(q->evtchn);
}

void netfront_event(struct netfront_queue *q)
{
	int port = xenevtchn_pending(q->evtchn);

	if (port < 0)
		return;
	q->stats.events++;
	xenevtchn_unmask(q->evtchn, (evtchn_port_t)port);
}

const struct netfront_stats *netfront_stats(const struct netfront_queue *q)
{
	return &q->stats;
}

/* ---- for hostile tests ------------------------------------------------------------------------
 */

struct netif_tx_sring *netfront_raw_tx(struct netfront_queue *q)
{
	return q->tx.sring;
}

struct netif_rx_sring *netfront_raw_rx(struct netfront_queue *q)
{
	return q->rx.sring;
}

void *netfront_raw_page(const struct netfront_queue *q, unsigned int page)
{
	return netfront_page(q, page);
}

grant_ref_t netfront_raw_ref(const struct netfront_queue *q, unsigned int page)
{
	return q->ref[page];
}

void netfront_raw_notify(struct netfront_queue *q)
{
	xenevtchn_notify(q->evtchn, q->tx_port);
	if (q->rx_port != q->tx_port)
		xenevtchn_notify(q->evtchn, q->rx_port);
}
