// SPDX-License-Identifier: MIT
/*
 * What a guest sends.  A batch: slots are copied out of the ring, packets made of them (tx_parse),
 * their fragments copied in, their headers checked, and their frames written to the tap; when the
 * whole batch is written it is answered, in order, and the next one begins.
 *
 * Fragments lie in pages of their own, at the offset that they have in the guest's page, so that
 * the kernel does not split copies.  What of a frame's head is in several fragments is put together
 * before anything looks at it (XSA-423, XSA-432): in front of it stands the tap's header.
 *
 * Nothing here allocates, and nothing of the guest's is looked at in the ring twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "netback/netq.h"
#include "netback/packet.h"

enum {
	PAGE = 4096,
	HEAD_ROOM = 16 + PACKET_HEAD, /* the tap's header stands right before the frame's head */
	SMALL = 2048,		      /* a copy up to which its place in its page may change */
	SMALL_AT = 64,
};

int txq_open(struct netq *queue)
{
	struct txq *tx = &queue->tx;

	tx->packets = calloc(NETQ_TX_BATCH, sizeof(*tx->packets));
	tx->slots = calloc(NETQ_TX_BATCH, sizeof(*tx->slots));
	tx->iov = calloc((size_t)NETQ_TX_BATCH * 2, sizeof(*tx->iov));
	tx->heads = calloc(NETQ_TX_BATCH, HEAD_ROOM);
	tx->buffers = mmap(NULL, (size_t)NETQ_TX_BATCH * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (tx->buffers == MAP_FAILED)
		tx->buffers = NULL;
	return tx->packets && tx->slots && tx->iov && tx->heads && tx->buffers ? 0 : -ENOMEM;
}

void txq_close(struct netq *queue)
{
	struct txq *tx = &queue->tx;

	loop_timer_del(&queue->thread->loop, tx->limit_timer);
	port_unbind(&tx->port);
	ring_unmap(&tx->ring, queue->thread->xgt);
	if (tx->buffers)
		munmap(tx->buffers, (size_t)NETQ_TX_BATCH * PAGE);
	free(tx->packets);
	free(tx->slots);
	free(tx->iov);
	free(tx->heads);
	memset(tx, 0, sizeof(*tx));
}

/* ---- taking ------------------------------------------------------------------------------- */

/* A fragment's place; the first one of a packet leaves room for the tap's header if it can. */
static uint8_t *frag_place(struct txq *tx, const struct tx_frag *frag)
{
	uint8_t *page = tx->buffers + (size_t)tx->pages++ * PAGE;

	return page + (frag->size <= SMALL ? SMALL_AT : frag->offset);
}

static void frag_copy(struct netq *queue, struct txq_packet *packet, const struct tx_frag *frag,
		      uint8_t *place)
{
	const void __guest *page = staging_find(&queue->staging, frag->ref, false);

	if (page) {
		guest_bytes_from(place, (const char __guest *)page + frag->offset, frag->size);
		stats_add(&queue->stats->grant_hits, 1);
	} else {
		grant_copy_in(&queue->batch, place, frag->ref, frag->offset, frag->size,
			      &packet->error);
	}
}

static void packet_copy(struct netq *queue, struct txq_packet *packet)
{
	struct txq *tx = &queue->tx;

	packet->iov_first = tx->iovs++; /* the head's */
	packet->iov_count = 1;
	for (uint32_t i = 0; i < packet->tx.frag_count; i++) {
		const struct tx_frag *frag = &packet->tx.frags[i];
		uint8_t *place;

		if (frag->size == 0)
			continue;
		place = frag_place(tx, frag);
		frag_copy(queue, packet, frag, place);
		tx->iov[tx->iovs++] = (struct iovec){place, frag->size};
		packet->iov_count++;
	}
}

static void packet_take(struct netq *queue, struct txq_packet *packet, enum tx_verdict verdict)
{
	packet->queue = queue;
	packet->slots = packet->tx.slots;
	packet->extras = packet->tx.extras;
	packet->size = packet->tx.size;
	packet->error = 0;
	packet->done = verdict != TX_SEND;
	packet->status = verdict == TX_BAD ? NETIF_RSP_ERROR : NETIF_RSP_OKAY;
	if (verdict == TX_BAD)
		log_guest(&queue->thread->limit,
			  "vif %u: the guest %s; it is answered with an error", queue->devid,
			  packet->tx.why);
	if (verdict == TX_MCAST && !packet->tx.mcast_add)
		mcast_del(queue->connect.mcast, packet->tx.mcast);
	else if (verdict == TX_MCAST && mcast_add(queue->connect.mcast, packet->tx.mcast) < 0)
		packet->status = NETIF_RSP_ERROR;
	if (verdict == TX_SEND)
		packet_copy(queue, packet);
	limit_take(queue->config->tx, LIMIT_BPS, packet->size);
	queue->tx.taken++;
}

/* ---- its limit ---------------------------------------------------------------------------- */

/* The hook's turn, which follows, looks at the ring. */
static void tx_unlimit(void *arg)
{
	struct netq *queue = arg;

	queue->tx.limit_timer = NULL;
}

/* What is over the limit waits in the ring, where it costs nobody anything. */
static bool tx_within_limit(struct netq *queue)
{
	struct txq *tx = &queue->tx;
	struct limit *limit = queue->config->tx;
	uint64_t ns;

	if (!limit_any(limit))
		return true;
	limit_look(limit, netq_now(queue), &tx->look);
	if (limit_open(limit, &tx->look))
		return true;
	ns = limit_wait_ns(limit, &tx->look);
	tx->limit_timer = loop_timer_add(&queue->thread->loop, (uint32_t)((ns + 999999) / 1000000),
					 tx_unlimit, queue);
	stats_add(&queue->stats->limited, 1);
	return false;
}

static uint32_t slots_copy(struct txq *tx, uint32_t pending)
{
	uint32_t count = pending < NETQ_TX_BATCH ? pending : NETQ_TX_BATCH;

	for (uint32_t i = 0; i < count; i++)
		guest_copy_from(&tx->slots[i], ring_slot(&tx->ring, tx->ring.req_cons + i),
				TX_SLOT_WORDS);
	return count;
}

void txq_take(struct netq *queue)
{
	struct txq *tx = &queue->tx;
	uint32_t count, at = 0;
	int pending;

	if (tx->answered < tx->taken || !netq_takes(queue) || tx->limit_timer)
		return;
	tx->taken = tx->sent = tx->answered = tx->iovs = tx->pages = 0;
	pending = ring_pending(&tx->ring);
	if (pending < 0) {
		netq_break(queue, "has moved req_prod of its TX ring out of the ring");
		return;
	}
	if (pending == 0)
		return;
	tx->taken_ns = netq_now(queue);
	stats_add(&queue->stats->turns, 1);
	if (pending == NETQ_SLOTS)
		stats_add(&queue->stats->ring_full, 1);
	count = slots_copy(tx, (uint32_t)pending);
	while (at < count && tx_within_limit(queue)) {
		struct txq_packet *packet = &tx->packets[tx->taken];
		enum tx_verdict verdict = tx_parse(&packet->tx, &tx->slots[at], count - at);

		/* Cut off by our batch's end, not by the guest: the next turn has all of it. */
		if (verdict == TX_BROKEN && at > 0 && count < (uint32_t)pending &&
		    packet->tx.slots >= count - at)
			break;
		if (verdict == TX_BROKEN) {
			netq_break(queue, packet->tx.why);
			break;
		}
		packet_take(queue, packet, verdict);
		at += packet->slots;
	}
	tx->ring.req_cons += at;
}

/* ---- sending ------------------------------------------------------------------------------ */

static void packet_written(struct op *op, int res, uint32_t cqe_flags)
{
	struct txq_packet *packet = (struct txq_packet *)op;

	(void)cqe_flags;
	if (res < 0)
		packet->status = res == -EINVAL ? NETIF_RSP_ERROR : NETIF_RSP_DROPPED;
	packet->done = true;
	packet->queue->tx.writing--;
}

/*
 * The frame's head in one piece, and the tap's header before it.  What is moved to it is taken off
 * the fragments.
 */
static uint8_t *packet_head(struct txq *tx, struct txq_packet *packet, uint32_t *len)
{
	struct iovec *iov = &tx->iov[packet->iov_first];
	uint32_t want = packet->size < PACKET_HEAD ? packet->size : PACKET_HEAD;
	uint8_t *head = tx->heads + (size_t)(packet - tx->packets) * HEAD_ROOM + 16;
	uint32_t have = 0;

	*len = want;
	if (packet->iov_count > 1 && iov[1].iov_len >= want &&
	    ((uintptr_t)iov[1].iov_base & (PAGE - 1)) >= VNET_HEADER) {
		/* It is in one piece, with room before it. */
		head = iov[1].iov_base;
		iov[1].iov_base = head - VNET_HEADER;
		iov[1].iov_len += VNET_HEADER;
		packet->iov_first++;
		packet->iov_count--;
		return head;
	}
	for (uint32_t i = 1; i < packet->iov_count && have < want; i++) {
		size_t n = iov[i].iov_len < want - have ? iov[i].iov_len : want - have;

		memcpy(head + have, iov[i].iov_base, n);
		iov[i].iov_base = (char *)iov[i].iov_base + n;
		iov[i].iov_len -= n;
		have += (uint32_t)n;
	}
	iov[0] = (struct iovec){head - VNET_HEADER, VNET_HEADER + have};
	return head;
}

static void packet_refuse(struct txq_packet *packet, int16_t status, const char *why)
{
	packet->status = status;
	packet->done = true;
	if (why)
		log_guest(&packet->queue->thread->limit,
			  "vif %u: the guest %s; it is answered with an error",
			  packet->queue->devid, why);
}

static void packet_send(struct netq *queue, struct txq_packet *packet)
{
	struct txq *tx = &queue->tx;
	struct vnet_header header;
	struct packet parsed;
	const char *why = NULL;
	uint8_t *head;
	uint32_t len;

	if (packet->error) {
		packet_refuse(packet, NETIF_RSP_ERROR, "names a grant that can't be copied from");
		return;
	}
	head = packet_head(tx, packet, &len);
	packet_parse(&parsed, head, len);
	why = spoof_check(&queue->config->settings.spoof, &parsed, head, len);
	if (why) {
		packet_refuse(packet, NETIF_RSP_ERROR, why);
		return;
	}
	if (vnet_from_guest(&header, &packet->tx, &parsed, head, &why) < 0) {
		packet_refuse(packet, NETIF_RSP_ERROR, why);
		return;
	}
	memcpy(head - VNET_HEADER, &header, VNET_HEADER);
	packet->op.done = packet_written;
	tx->writing++;
	tapio_write(&queue->tap, &packet->op, &tx->iov[packet->iov_first], (int)packet->iov_count);
}

void txq_send(struct netq *queue)
{
	struct txq *tx = &queue->tx;

	for (; tx->sent < tx->taken; tx->sent++)
		if (!tx->packets[tx->sent].done)
			packet_send(queue, &tx->packets[tx->sent]);
}

/* ---- answering ---------------------------------------------------------------------------- */

static void slot_respond(struct txq *tx, uint16_t id, int16_t status)
{
	const netif_tx_response_t response = {.id = id, .status = status};

	ring_respond(&tx->ring, &response, sizeof(response) / 4);
}

/* `at`: where its slots begin in the batch. */
static void packet_respond(struct netq *queue, const struct txq_packet *packet, uint32_t at,
			   uint64_t ns)
{
	struct txq *tx = &queue->tx;

	for (uint32_t i = 0; i < packet->slots; i++) {
		bool is_extra = i >= 1 && i <= packet->extras;
		netif_tx_request_t request;

		memcpy(&request, &tx->slots[at + i], sizeof(request));
		slot_respond(tx, request.id, (int16_t)(is_extra ? NETIF_RSP_NULL : packet->status));
	}
	if (packet->status == NETIF_RSP_OKAY)
		stats_done(queue->stats, STATS_WRITE, packet->size, ns);
	else
		stats_failed(queue->stats, STATS_WRITE);
}

void txq_answer(struct netq *queue)
{
	struct txq *tx = &queue->tx;
	uint32_t at = 0;
	uint64_t ns;

	if (tx->writing > 0 || tx->answered == tx->taken)
		return;
	ns = loop_now_ns() - tx->taken_ns;
	for (; tx->answered < tx->taken; tx->answered++) {
		packet_respond(queue, &tx->packets[tx->answered], at, ns);
		at += tx->packets[tx->answered].slots;
	}
	if (ring_push(&tx->ring)) {
		port_notify(&tx->port);
		stats_add(&queue->stats->notifies, 1);
	}
}
