// SPDX-License-Identifier: MIT
/*
 * What a guest gets.  Frames of the tap are given slots of the RX ring, in order and whole; their
 * pages are copied out in the turn's one call; then the slots are answered.  netfront pairs answers
 * with requests by their place in the ring, so an extra takes a request, too (netif.h, "Guest
 * receive").
 *
 * A frame for which there are too few slots waits in its buffer, and nothing more is read from the
 * tap, whose own queue then fills and drops: memory is bounded whatever the guest offers (XSA-392).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netback/netq.h"

enum {
	PAGE = 4096,
	SLOT_WORDS = 2,
};

_Static_assert(sizeof(netif_rx_request_t) == SLOT_WORDS * 4 &&
		       sizeof(netif_rx_response_t) == SLOT_WORDS * 4 &&
		       sizeof(struct netif_extra_info) == SLOT_WORDS * 4,
	       "all that an RX slot holds is as large");

int rxq_open(struct netq *queue)
{
	queue->rx.slots = calloc(NETQ_RX_BATCH, sizeof(*queue->rx.slots));
	return queue->rx.slots ? 0 : -ENOMEM;
}

void rxq_close(struct netq *queue)
{
	port_unbind(&queue->rx.port);
	ring_unmap(&queue->rx.ring, queue->thread->xgt);
	free(queue->rx.slots);
	memset(&queue->rx, 0, sizeof(queue->rx));
}

/* ---- placing ------------------------------------------------------------------------------ */

static struct rxq_slot *slot_take(struct rxq *rx, netif_rx_request_t *request)
{
	struct rxq_slot *slot = &rx->slots[rx->filled++];

	guest_copy_from(request, ring_slot(&rx->ring, rx->ring.req_cons), SLOT_WORDS);
	rx->ring.req_cons++;
	memset(slot, 0, sizeof(*slot));
	slot->id = request->id;
	return slot;
}

static struct netif_extra_info *extra_take(struct rxq *rx, struct netif_extra_info *last,
					   uint8_t type)
{
	netif_rx_request_t request;
	struct rxq_slot *slot = slot_take(rx, &request);

	if (last)
		last->flags |= XEN_NETIF_EXTRA_FLAG_MORE;
	slot->is_extra = true;
	slot->extra.type = type;
	return &slot->extra;
}

static void frame_extras(struct rxq *rx, const struct vnet_rx *vnet)
{
	struct netif_extra_info *extra = NULL;

	if (vnet->gso_size) {
		extra = extra_take(rx, extra, XEN_NETIF_EXTRA_TYPE_GSO);
		extra->u.gso.size = vnet->gso_size;
		extra->u.gso.type = vnet->gso_type;
	}
}

static void frame_place(struct netq *queue, const struct tap_frame *frame,
			const struct vnet_rx *vnet)
{
	struct rxq *rx = &queue->rx;
	uint32_t extras = vnet->gso_size ? 1 : 0;

	for (uint32_t at = 0; at < frame->len;) {
		netif_rx_request_t request;
		struct rxq_slot *slot = slot_take(rx, &request);
		uint32_t n = frame->len - at < PAGE ? frame->len - at : PAGE;

		slot->size = (uint16_t)n;
		slot->flags = at + n < frame->len ? NETRXF_more_data : 0;
		grant_copy_out(&queue->batch, frame->data + at, request.gref, slot->offset,
			       (uint16_t)n, &slot->error);
		if (at == 0) {
			slot->flags |= vnet->flags | (extras ? NETRXF_extra_info : 0);
			frame_extras(rx, vnet);
		}
		at += n;
	}
	stats_done(queue->stats, STATS_READ, frame->len, 0);
}

static uint32_t frame_slots(const struct tap_frame *frame, const struct vnet_rx *vnet)
{
	return (frame->len + PAGE - 1) / PAGE + (vnet->gso_size ? 1 : 0);
}

/* True if the guest can take such a frame at all. */
static bool frame_fits(const struct netq *queue, struct tap_frame *frame, struct vnet_rx *vnet)
{
	uint32_t features = queue->connect.features;

	return frame->len <= (features & VNET_SG ? TAP_FRAME_PAGES : 1) * PAGE &&
	       vnet_to_guest(vnet, &frame->header, frame->data, frame->len, features);
}

static int rx_pending(struct netq *queue)
{
	int pending = ring_pending(&queue->rx.ring);

	if (pending < 0)
		netq_break(queue, "has moved req_prod of its RX ring out of the ring");
	return pending;
}

void rxq_place(struct netq *queue)
{
	struct rxq *rx = &queue->rx;
	struct tap_frame frame;
	struct vnet_rx vnet;
	int pending = -1;

	rx->needed = 0;
	while (netq_takes(queue) && tapio_frame(&queue->tap, &frame)) {
		uint32_t needed;

		if (!frame_fits(queue, &frame, &vnet)) {
			stats_failed(queue->stats, STATS_READ);
			tapio_taken(&queue->tap);
			continue;
		}
		needed = frame_slots(&frame, &vnet);
		if (pending < 0)
			pending = rx_pending(queue);
		if (pending < 0)
			return;
		if ((uint32_t)pending < needed || rx->filled + needed > NETQ_RX_BATCH) {
			rx->needed = needed;
			return;
		}
		frame_place(queue, &frame, &vnet);
		pending -= (int)needed;
		tapio_taken(&queue->tap);
	}
}

bool rxq_peek(const struct netq *queue)
{
	if (queue->rx.needed > 0)
		return ring_peek(&queue->rx.ring) >= queue->rx.needed;
	return tapio_peek(&queue->tap);
}

/* ---- answering ---------------------------------------------------------------------------- */

static void slot_respond(struct ring *ring, const struct rxq_slot *slot)
{
	netif_rx_response_t response = {
		.id = slot->id,
		.offset = slot->offset,
		.flags = slot->flags,
		.status = slot->error ? NETIF_RSP_ERROR : (int16_t)slot->size,
	};
	void __guest *to = ring_slot(ring, ring->rsp_prod_pvt++);

	if (slot->is_extra)
		guest_copy_to(to, &slot->extra, SLOT_WORDS);
	else
		guest_copy_to(to, &response, SLOT_WORDS);
}

void rxq_answer(struct netq *queue)
{
	struct rxq *rx = &queue->rx;

	for (uint32_t i = 0; i < rx->filled; i++)
		slot_respond(&rx->ring, &rx->slots[i]);
	rx->filled = 0;
	if (ring_push(&rx->ring)) {
		port_notify(rx->port.set ? &rx->port : &queue->tx.port);
		stats_add(&queue->stats->notifies, 1);
	}
}
