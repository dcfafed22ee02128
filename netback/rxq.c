// SPDX-License-Identifier: MIT
/*
 * What a guest gets.  Frames of the tap are given slots of the RX ring, in order and whole; their
 * pages are copied out in the turn's one call; then the slots are answered.  netfront pairs answers
 * with requests by their place in the ring, so an extra takes a request, too (netif.h, "Guest
 * receive").
 *
 * A frame for which there are too few slots waits in its buffer, and nothing more is read from the
 * tap, whose own queue then fills and drops: memory is bounded whatever the guest offers (XSA-392).
 * After drain_ms frames are dropped until there are slots; after stall_ms the interface loses its
 * carrier, so that nobody sends any.  What counts is whether there are as many slots as the frame
 * needs: a guest that offers one at a time has stalled as well.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "common/filter.h"
#include "netback/netq.h"

enum {
	PAGE = 4096,
	SLOT_WORDS = 2,
	EXTRA_TYPE_XDP = 5,   /* XEN_NETIF_EXTRA_TYPE_XDP of Linux; Xen's header has none */
	DRAIN_UNTOLD_MS = 30, /* what Linux' netback gives a guest without feature-rx-notify */
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
	loop_timer_del(&queue->thread->loop, queue->rx.limit_timer);
	loop_timer_del(&queue->thread->loop, queue->rx.wait_timer);
	port_unbind(&queue->rx.port);
	ring_unmap(&queue->rx.ring, queue->thread->xgt);
	free(queue->rx.slots);
	memset(&queue->rx, 0, sizeof(queue->rx));
}

/* ---- a frame, as slots --------------------------------------------------------------------- */

/* What a frame is to this guest. */
struct rx_frame {
	struct tap_frame tap;
	struct vnet_rx vnet;
	struct hash_value hash;
	bool hashed;
	uint32_t headroom; /* in its first slot */
	uint32_t extras;
	uint32_t slots; /* that it takes, extras included */
};

static struct rxq_slot *slot_take(struct rxq *rx, netif_rx_request_t *request)
{
	struct rxq_slot *slot = &rx->slots[rx->filled++];

	guest_copy_from(request, ring_slot(&rx->ring, rx->ring.req_cons), SLOT_WORDS);
	rx->ring.req_cons++;
	memset(slot, 0, sizeof(*slot));
	slot->id = request->id;
	return slot;
}

/* The slot after the first, or after the last extra: the flag there says that it comes. */
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

static void extras_place(struct rxq *rx, const struct rx_frame *frame)
{
	struct netif_extra_info *extra = NULL;

	if (frame->vnet.gso_size) {
		extra = extra_take(rx, extra, XEN_NETIF_EXTRA_TYPE_GSO);
		extra->u.gso.size = frame->vnet.gso_size;
		extra->u.gso.type = frame->vnet.gso_type;
	}
	if (frame->headroom) {
		extra = extra_take(rx, extra, EXTRA_TYPE_XDP);
		extra->u.pad[0] = (uint16_t)frame->headroom;
	}
	if (frame->hashed) {
		extra = extra_take(rx, extra, XEN_NETIF_EXTRA_TYPE_HASH);
		extra->u.hash.type = frame->hash.type;
		extra->u.hash.algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
		memcpy(extra->u.hash.value, &frame->hash.value, 4); /* LSB first, as x86 has it */
	}
}

static void slot_copy(struct netq *queue, struct rxq_slot *slot, uint32_t ref, const uint8_t *data)
{
	void __guest *page = staging_find(&queue->staging, ref, true);

	if (page) {
		guest_bytes_to((char __guest *)page + slot->offset, data, slot->size);
		stats_add(&queue->stats->grant_hits, 1);
	} else {
		grant_copy_out(&queue->batch, data, ref, slot->offset, slot->size, &slot->error);
	}
}

static void frame_place(struct netq *queue, const struct rx_frame *frame)
{
	struct rxq *rx = &queue->rx;
	uint32_t len = frame->tap.len;

	for (uint32_t at = 0; at < len;) {
		uint32_t offset = at == 0 ? frame->headroom : 0;
		uint32_t n = len - at < PAGE - offset ? len - at : PAGE - offset;
		netif_rx_request_t request;
		struct rxq_slot *slot = slot_take(rx, &request);

		slot->offset = (uint16_t)offset;
		slot->size = (uint16_t)n;
		slot->flags = at + n < len ? NETRXF_more_data : 0;
		slot_copy(queue, slot, request.gref, frame->tap.data + at);
		if (at == 0) {
			slot->frame_len = len;
			slot->waited_ns = rx->blocked_ns ? netq_now(queue) - rx->blocked_ns : 0;
			slot->flags |= frame->vnet.flags | (frame->extras ? NETRXF_extra_info : 0);
			extras_place(rx, frame);
		}
		at += n;
	}
	limit_take(queue->config->rx, LIMIT_BPS, len);
}

/* True if the guest can take such a frame, and wants it. */
static bool frame_prepare(const struct netq *queue, struct rx_frame *frame)
{
	const struct vif_config *config = queue->config;
	uint32_t features = queue->connect.features, len = frame->tap.len;
	struct packet packet;

	frame->headroom = config->settings.headroom;
	frame->hashed = false;
	if (len > (features & VNET_SG ? TAP_FRAME_PAGES * PAGE : PAGE - frame->headroom))
		return false;
	if (config->settings.multicast && !mcast_wanted(queue->connect.mcast, frame->tap.data))
		return false;
	if (!vnet_to_guest(&frame->vnet, &frame->tap.header, frame->tap.data, len, features))
		return false;
	if (config->hash.flags && packet_parse(&packet, frame->tap.data, len))
		frame->hashed =
			hash_packet(&config->hash, &frame->hash, &packet, frame->tap.data, len);
	frame->extras = (frame->vnet.gso_size != 0) + (frame->headroom != 0) + frame->hashed;
	frame->slots = (len + frame->headroom + PAGE - 1) / PAGE + frame->extras;
	return true;
}

/* ---- waiting for slots --------------------------------------------------------------------- */

static void carrier_set(const struct netq *queue, int carrier)
{
	if (ioctl(queue->connect.fd, TUNSETCARRIER, &carrier) < 0)
		log_guest(&queue->thread->limit, "vif %u: can't set its interface's carrier: %s",
			  queue->devid, strerror(errno));
}

/* One queue that has stalled takes the carrier, the last one that goes on gives it back: Linux. */
static void rx_stall(struct netq *queue)
{
	queue->rx.stalled = true;
	if (__atomic_fetch_add(queue->connect.stalled, 1, __ATOMIC_SEQ_CST) > 0)
		return;
	log_guest(
		&queue->thread->limit,
		"vif %u: the guest offers no room for packets; its interface has no carrier until "
		"it does",
		queue->devid);
	carrier_set(queue, 0);
}

static void rx_unstall(struct netq *queue)
{
	queue->rx.stalled = false;
	if (__atomic_fetch_sub(queue->connect.stalled, 1, __ATOMIC_SEQ_CST) == 1)
		carrier_set(queue, 1);
}

static void rx_waited(void *arg);

static void wait_more(struct netq *queue, uint32_t ms)
{
	queue->rx.wait_timer = loop_timer_add(&queue->thread->loop, ms, rx_waited, queue);
}

/* A frame has to wait.  A guest that tells of slots gets long; of another, nothing is heard. */
static void rx_block(struct netq *queue, uint32_t needed)
{
	const struct vif_settings *settings = &queue->config->settings;
	struct rxq *rx = &queue->rx;

	rx->needed = needed;
	if (rx->blocked_ns)
		return;
	rx->blocked_ns = netq_now(queue);
	stats_add(&queue->stats->ring_full, 1);
	wait_more(queue,
		  queue->connect.features & VNET_RX_NOTIFY ? settings->drain_ms : DRAIN_UNTOLD_MS);
}

static void rx_unblock(struct netq *queue)
{
	struct rxq *rx = &queue->rx;

	loop_timer_del(&queue->thread->loop, rx->wait_timer);
	rx->wait_timer = NULL;
	rx->blocked_ns = 0;
	rx->dry = false;
	if (rx->stalled)
		rx_unstall(queue);
}

/* The turn that follows drops what waits. */
static void rx_waited(void *arg)
{
	struct netq *queue = arg;
	const struct vif_settings *settings = &queue->config->settings;
	struct rxq *rx = &queue->rx;

	rx->wait_timer = NULL;
	if (rx->dry) {
		rx_stall(queue);
		return;
	}
	rx->dry = true;
	if (queue->connect.features & VNET_RX_NOTIFY)
		wait_more(queue, settings->stall_ms > settings->drain_ms
					 ? settings->stall_ms - settings->drain_ms
					 : 0);
}

/* ---- its limit ---------------------------------------------------------------------------- */

static void rx_unlimit(void *arg)
{
	struct netq *queue = arg;

	queue->rx.limit_timer = NULL;
}

/* What is over the limit waits in the tap's queue, which drops what does not fit. */
static bool rx_within_limit(struct netq *queue)
{
	struct rxq *rx = &queue->rx;
	struct limit *limit = queue->config->rx;
	uint64_t ns;

	if (rx->limit_timer)
		return false;
	if (!limit_any(limit))
		return true;
	limit_look(limit, netq_now(queue), &rx->look);
	if (limit_open(limit, &rx->look))
		return true;
	ns = limit_wait_ns(limit, &rx->look);
	rx->limit_timer = loop_timer_add(&queue->thread->loop, (uint32_t)((ns + 999999) / 1000000),
					 rx_unlimit, queue);
	stats_add(&queue->stats->limited, 1);
	return false;
}

/* ---- placing ------------------------------------------------------------------------------ */

/* Slots that are free for this turn; -1 if the ring is broken. */
static int rx_room(struct netq *queue)
{
	int pending = ring_pending(&queue->rx.ring);

	if (pending < 0)
		netq_break(queue, "has moved req_prod of its RX ring out of the ring");
	return pending;
}

static void frame_drop(struct netq *queue)
{
	stats_failed(queue->stats, STATS_READ);
	tapio_taken(&queue->tap);
}

void rxq_place(struct netq *queue)
{
	struct rx_frame frame;
	int room = -1;

	queue->rx.needed = 0;
	while (netq_takes(queue) && tapio_frame(&queue->tap, &frame.tap) &&
	       rx_within_limit(queue)) {
		if (!frame_prepare(queue, &frame)) {
			frame_drop(queue);
			continue;
		}
		if (room < 0)
			room = rx_room(queue);
		if (room < 0)
			return;
		if ((uint32_t)room >= frame.slots) {
			frame_place(queue, &frame);
			room -= (int)frame.slots;
			tapio_taken(&queue->tap);
			if (queue->rx.blocked_ns)
				rx_unblock(queue);
		} else if (queue->rx.dry) {
			frame_drop(queue);
		} else {
			rx_block(queue, frame.slots);
			return;
		}
	}
	/* Without carrier no frame comes that would find the slots. */
	if (queue->rx.stalled && netq_takes(queue) && ring_peek(&queue->rx.ring) > 0)
		rx_unblock(queue);
}

bool rxq_peek(const struct netq *queue)
{
	const struct rxq *rx = &queue->rx;

	if (rx->limit_timer)
		return false;
	if (rx->stalled && ring_peek(&rx->ring) > 0)
		return true;
	if (rx->needed > 0)
		return rx->dry || ring_peek(&rx->ring) >= rx->needed;
	return tapio_peek(&queue->tap);
}

bool rxq_sleep(const struct netq *queue)
{
	const struct rxq *rx = &queue->rx;

	if (rx->limit_timer)
		return false;
	if (rx->needed > 0)
		return ring_sleep_until(&rx->ring, rx->needed);
	return (rx->dry || rx->stalled) && ring_sleep(&rx->ring) && rx->stalled;
}

/* ---- answering ---------------------------------------------------------------------------- */

static void slot_respond(struct ring *ring, const struct rxq_slot *slot)
{
	netif_rx_response_t response = {
		.id = slot->id,
		.offset = slot->offset,
		.flags = slot->flags,
		.status = (int16_t)(slot->error ? NETIF_RSP_ERROR : slot->size),
	};

	if (slot->is_extra)
		ring_respond(ring, &slot->extra, SLOT_WORDS);
	else
		ring_respond(ring, &response, SLOT_WORDS);
}

/*
 * A frame, all of its slots; returns how many.  The guest drops one of which a slot has an error,
 * so that is where it is counted.  Its latency is how long it waited for slots: the rest is one
 * turn.
 */
static uint32_t frame_answer(struct netq *queue, uint32_t at)
{
	struct rxq *rx = &queue->rx;
	const struct rxq_slot *slot = &rx->slots[at];
	bool failed = false;
	uint32_t n = 0;

	do {
		failed |= slot[n].error != 0;
		slot_respond(&rx->ring, &slot[n++]);
	} while (at + n < rx->filled && slot[n].frame_len == 0);
	if (failed)
		stats_failed(queue->stats, STATS_READ);
	else
		stats_done(queue->stats, STATS_READ, slot->frame_len, slot->waited_ns);
	return n;
}

void rxq_answer(struct netq *queue)
{
	struct rxq *rx = &queue->rx;

	for (uint32_t at = 0; at < rx->filled;)
		at += frame_answer(queue, at);
	rx->filled = 0;
	if (ring_push(&rx->ring)) {
		port_notify(rx->port.set ? &rx->port : &queue->tx.port);
		stats_add(&queue->stats->notifies, 1);
	}
}

static const struct filter_rule rxq_rules[] = {
	FILTER_INT(ioctl, 1, TUNSETCARRIER),
};

const struct filter rxq_filter = {FILTER_RULES(rxq_rules)};
