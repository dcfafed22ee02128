// SPDX-License-Identifier: MIT
/*
 * A disk's frontend with the manners taken out, for tests that play a hostile guest: any bytes on
 * the ring, any index, and responses as they come.  A test that uses these must not mix them with
 * blkfront_submit() on the same device, for nothing here is booked.
 */
#include <errno.h>
#include <poll.h>

#include "loopback/blkfront_priv.h"

struct blkif_sring *blkfront_raw_ring(struct blkfront_queue *q)
{
	return q->ring.sring;
}

void *blkfront_raw_entry(const struct blkfront_queue *q, RING_IDX idx)
{
	return blkfront_entry(q, idx);
}

grant_ref_t blkfront_raw_ref(const struct blkfront_queue *q, unsigned int page)
{
	return q->data_ref[page];
}

grant_ref_t blkfront_raw_ring_ref(const struct blkfront_queue *q, unsigned int page)
{
	return q->ring_ref[page];
}

struct blkif_request_segment *blkfront_raw_indirect(const struct blkfront_queue *q,
						    unsigned int page, grant_ref_t *ref)
{
	*ref = q->indirect_ref[page];
	return q->indirect + (size_t)page * BLKFRONT_PAGE_SEGMENTS;
}

struct front *blkfront_front(struct blkfront *bf)
{
	return &bf->front;
}

void blkfront_raw_put(struct blkfront_queue *q, const blkif_request_t *req)
{
	blkfront_put(q, q->ring.req_prod_pvt++, req, sizeof(*req));
}

RING_IDX blkfront_raw_prod(const struct blkfront_queue *q)
{
	return q->ring.req_prod_pvt;
}

void blkfront_raw_push(struct blkfront_queue *q, RING_IDX prod)
{
	xen_wmb(); /* the requests before the index: pairs with the backend's rmb after req_prod */
	*(volatile RING_IDX *)&q->ring.sring->req_prod = prod;
	xenevtchn_notify(q->evtchn, q->port);
}

bool blkfront_raw_woken(struct blkfront_queue *q, int timeout_ms)
{
	struct pollfd pfd = {.fd = xenevtchn_fd(q->evtchn), .events = POLLIN};
	bool woken = false;

	while (poll(&pfd, 1, woken ? 0 : timeout_ms) > 0) {
		int port = xenevtchn_pending(q->evtchn);

		if (port >= 0)
			xenevtchn_unmask(q->evtchn, (evtchn_port_t)port);
		woken |= port >= 0;
	}
	return woken;
}

void blkfront_raw_skip(struct blkfront_queue *q)
{
	q->ring.rsp_cons = *(volatile RING_IDX *)&q->ring.sring->rsp_prod;
}

int blkfront_raw_response(struct blkfront_queue *q, blkif_response_t *rsp, int timeout_ms)
{
	struct pollfd pfd = {.fd = xenevtchn_fd(q->evtchn), .events = POLLIN};
	uint64_t end = blkfront_clock() + (uint64_t)timeout_ms * 1000000U;
	int work, n;

	for (;;) {
		uint64_t now = blkfront_clock();

		/* Its mb pairs with the one in the backend's push, between rsp_prod and rsp_event.
		 */
		RING_FINAL_CHECK_FOR_RESPONSES(&q->ring, work);
		if (work)
			break;
		if (now >= end)
			return -ETIMEDOUT;
		n = poll(&pfd, 1, (int)((end - now) / 1000000) + 1);
		if (n < 0)
			return -errno;
		if (n > 0) {
			int port = xenevtchn_pending(q->evtchn);

			if (port >= 0)
				xenevtchn_unmask(q->evtchn, (evtchn_port_t)port);
		}
	}
	xen_rmb(); /* rsp_prod before the response: pairs with the backend's wmb before rsp_prod */
	memcpy(rsp, blkfront_entry(q, q->ring.rsp_cons), 12);
	q->ring.rsp_cons++;
	return 0;
}
