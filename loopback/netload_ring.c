// SPDX-License-Identifier: MIT
/*
 * netload in a guest: packets straight to and from the NIC's rings, with no kernel and no system
 * call for each, so that what is measured is the backend.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "loopback/headers.h"
#include "loopback/netload.h"

static void clock_wait(uint64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000U),
			      .tv_nsec = (long)(ns % 1000000000U)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* Until the backend has something for us; 100 ms at most, for --runtime. */
static void ring_sleep(struct load_queue *lq)
{
	struct pollfd pfd[] = {
		{.fd = netfront_queue_fd(lq->q), .events = POLLIN},
		{.fd = load_stop_fd, .events = POLLIN},
	};

	if (poll(pfd, 2, 100) > 0 && pfd[0].revents)
		netfront_event(lq->q);
}

/* ---- sending ------------------------------------------------------------------------------------
 */

/* The pages of the queue are each made once; then only what changes is written. */
static bool packet_send(struct load_queue *lq, bool *made)
{
	unsigned int pages = (lq->o->size + NETFRONT_PAGE - 1) / NETFRONT_PAGE;
	struct netfront_packet pkt = {0};
	static __thread uint8_t frame[XEN_NETIF_MAX_TX_SIZE];
	size_t at = 0;

	if (!netfront_tx_room(lq->q, &pkt, pages))
		return false;
	pkt.len = lq->o->size;
	if (!*made)
		frame_make(lq, frame);
	*made = true;
	frame_next(lq, frame);
	for (unsigned int i = 0; i < pages; i++) {
		size_t len = pkt.len - at < NETFRONT_PAGE ? pkt.len - at : NETFRONT_PAGE;

		memcpy(pkt.frag[i].iov_base, frame + at, len);
		at += len;
	}
	if (netfront_tx_send(lq->q, &pkt))
		lq->result.errors++;
	lq->result.packets++;
	lq->result.bytes += pkt.len;
	return true;
}

static unsigned int burst_send(struct load_queue *lq, unsigned int most, bool *made)
{
	unsigned int n = 0;

	if (netfront_tx_reclaim(lq->q))
		return 0;
	while (n < most && (!lq->o->count || lq->seq < lq->o->count) && packet_send(lq, made))
		n++;
	netfront_push(lq->q);
	return n;
}

/* What is under way is answered before the load ends, or it would be cut off. */
static void ring_drain(struct load_queue *lq)
{
	uint64_t end = load_clock() + 1000000000U;

	while (netfront_tx_pending(lq->q) && !netfront_tx_reclaim(lq->q) && load_clock() < end)
		if (netfront_tx_pending(lq->q) && !netfront_arm(lq->q, true))
			ring_sleep(lq);
}

void *ring_send(void *arg)
{
	struct load_queue *lq = arg;
	uint64_t due = load_clock();
	struct netfront_packet pkt;
	bool made = false;

	lq->result.first_ns = due;
	while (!load_ended(lq)) {
		unsigned int n = burst_send(lq, LOAD_BURST, &made);

		while (netfront_rx_take(lq->q, &pkt) > 0)
			; /* what the network sends to everybody */
		if (n && lq->o->rate) {
			due += n * 1000000000ULL / lq->o->rate;
			clock_wait(due);
		} else if (!n && !netfront_arm(lq->q, true)) {
			ring_sleep(lq);
		}
	}
	ring_drain(lq);
	lq->result.last_ns = load_clock();
	return NULL;
}

/* ---- receiving ----------------------------------------------------------------------------------
 */

static unsigned int burst_take(struct load_queue *lq)
{
	static __thread uint8_t frame[2 * XEN_NETIF_MAX_TX_SIZE];
	uint64_t now = load_clock();
	struct netfront_packet pkt;
	unsigned int n = 0;

	for (; n < LOAD_BURST && netfront_rx_take(lq->q, &pkt) > 0; n++) {
		if (pkt.frags == 1) {
			frame_take(lq, pkt.frag[0].iov_base, pkt.len, now);
			continue;
		}
		headers_copy(frame, sizeof(frame), pkt.frag, pkt.frags);
		frame_take(lq, frame, pkt.len, now);
	}
	netfront_rx_release(lq->q);
	netfront_push(lq->q);
	return n;
}

void *ring_sink(void *arg)
{
	struct load_queue *lq = arg;

	while (!load_ended(lq))
		if (!burst_take(lq) && !netfront_arm(lq->q, false))
			ring_sleep(lq);
	return NULL;
}
