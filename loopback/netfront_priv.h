/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_NETFRONT_PRIV_H
#define LOOPBACK_NETFRONT_PRIV_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xenevtchn.h>

#include "loopback/barrier.h"
#include "loopback/netfront.h"
#include <xen/io/ring.h>

/* Pages of a queue: one for each entry of each ring. */
#define NETFRONT_PAGES (2 * NETFRONT_ENTRIES)

struct netfront_queue {
	struct netfront *nf;
	struct netfront_stats stats;

	xenevtchn_handle *evtchn;	/* of its own: a handle belongs to one thread */
	evtchn_port_t tx_port, rx_port; /* the same without split channels */

	struct netif_tx_front_ring tx;
	struct netif_rx_front_ring rx;
	grant_ref_t tx_ref, rx_ref;

	/* First those that packets are sent from, then those that they come in. */
	char *tx_pages, *rx_pages;
	grant_ref_t ref[NETFRONT_PAGES];

	/* A page's number is the id of its request. */
	bool busy[NETFRONT_ENTRIES];	 /* sent, not answered */
	uint16_t idle[NETFRONT_ENTRIES]; /* stack of the others */
	unsigned int idles;
	unsigned int extras; /* slots under way that have no id: to be answered NULL */

	uint16_t rx_page[NETFRONT_ENTRIES]; /* by slot: which page was offered there */
	uint16_t held[NETFRONT_ENTRIES];    /* pages of the packet that the caller looks at */
	unsigned int helds;
};

struct netfront {
	struct guest *guest;
	struct front front;
	struct netfront_opts opts;
	struct netfront_info info;
	struct netfront_queue *queue[NETFRONT_MAX_QUEUES];

	struct xen_netif_ctrl_front_ring ctrl;
	grant_ref_t ctrl_ring_ref, ctrl_ref;
	void *ctrl_page;
	xenevtchn_handle *ctrl_evtchn;
	evtchn_port_t ctrl_port;
	uint16_t ctrl_id;

	/* Written by whichever thread learns of it, read by all: atomically. */
	int error;
	int error_fd; /* eventfd: there is one */
	bool published;
};

static inline void *netfront_page(const struct netfront_queue *q, unsigned int page)
{
	if (page < NETFRONT_ENTRIES)
		return q->tx_pages + (size_t)page * NETFRONT_PAGE;
	return q->rx_pages + (size_t)(page - NETFRONT_ENTRIES) * NETFRONT_PAGE;
}

/* Requests on a ring that were not answered yet. */
static inline unsigned int netfront_tx_used(const struct netfront_queue *q)
{
	return q->tx.req_prod_pvt - q->tx.rsp_cons;
}

/* netfront.c: a sentence on stderr; returns @err. */
int netfront_open_error(const struct netfront *nf, int err, const char *what);
/* The device can't be used any more; the first one tells. */
void netfront_fail(struct netfront *nf, int err, const char *why);

/* netfront_queue.c: 0 or -errno, after one sentence; what it failed to open is still to be closed.
 */
int netfront_queue_open(struct netfront *nf, unsigned int i);
void netfront_queue_close(struct netfront_queue *q);
/* The lists of pages; netfront_rx_release() then offers all that packets come in. */
void netfront_queue_init(struct netfront_queue *q);
void *netfront_share(struct netfront *nf, unsigned int n, grant_ref_t *ref, bool writable);

/* netfront_keys.c: write what names our rings, and state 4.  0 or -errno. */
int netfront_keys_publish(struct netfront *nf);

/* netfront_ctrl.c */
int netfront_ctrl_open(struct netfront *nf);
void netfront_ctrl_close(struct netfront *nf);
int netfront_stage(struct netfront *nf); /* have the pages mapped */

#endif
