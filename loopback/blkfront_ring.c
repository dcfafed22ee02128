// SPDX-License-Identifier: MIT
/*
 * A queue's ring in a disk's frontend: pushes, responses, sleeping.
 *
 * Notifications are what a ring costs, so rsp_event is only moved right before sleeping, by
 * ring.h's final check, and before that blkfront_wait() spins for a few microseconds, as long as
 * that pays off.
 *
 * It must never believe a response: an id that is not in flight, another operation than was asked
 * for, or more responses than requests close the device with one sentence.  Each response is read
 * from the shared ring once.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "loopback/blkfront_priv.h"

enum {
	NAPS_MIN = 16, /* sleeps between two tries whether spinning pays off */
	NAPS_MAX = 1024,
};

uint64_t blkfront_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

void blkfront_ring_init(struct blkfront_queue *q, void *pages)
{
	size_t bytes = q->bf->ring_pages * BLKFRONT_PAGE;

	XEN_FRONT_RING_INIT(&q->ring, (struct blkif_sring *)pages, bytes);
	/* The macro counts native entries; of either layout's, a power of two fits. */
	q->nap_limit = NAPS_MIN;
	q->ring.nr_ents = (unsigned int)__RD32((bytes - offsetof(struct blkif_sring, ring)) /
					       q->bf->abi->entry);
}

void blkfront_push(struct blkfront_queue *q)
{
	int notify;

	if (blkfront_error(q) || q->ring.req_prod_pvt == q->ring.sring->req_prod)
		return;
	/* Its wmb pairs with the backend's rmb after reading req_prod; its mb with the one in the
	 * backend's final check, between setting req_event and looking at req_prod again. */
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&q->ring, notify);
	q->stats.pushes++;
	if (!notify)
		return;
	q->stats.notifies++;
	if (xenevtchn_notify(q->evtchn, q->port))
		blkfront_fail(q->bf, -errno, "cannot notify the backend");
}

/* ---- ending ------------------------------------------------------------------------------- */

static void req_fail(struct blkfront_queue *q, struct blkfront_req *req)
{
	req->err = q->error;
	req->next = q->failed;
	q->failed = req;
}

/* All in flight or queued is lost: done() is called for it by the next poll. */
static void requests_abort(struct blkfront_queue *q)
{
	struct blkfront_req *req;

	for (unsigned int i = 0; i < q->ring.nr_ents; i++) {
		req = q->slot[i].req;
		if (!req)
			continue;
		blkfront_slot_release(q, &q->slot[i]);
		if (!--req->pieces && req->whole)
			req_fail(q, req);
	}
	while ((req = q->head)) {
		q->head = req->next;
		req_fail(q, req);
	}
	q->tail = &q->head;
	q->in_flight = 0;
}

void blkfront_kick(struct blkfront *bf)
{
	uint64_t one = 1;

	for (unsigned int i = 0; i < bf->info.queues; i++) {
		ssize_t n = write(bf->queue[i]->kick_fd, &one, sizeof(one));

		(void)n; /* it can only be full, which is as good */
	}
}

/* For all queues: each drops what it has when its own thread sees it. */
void blkfront_fail(struct blkfront *bf, int err, const char *why)
{
	int none = 0;

	if (!__atomic_compare_exchange_n(&bf->error, &none, err, false, __ATOMIC_RELEASE,
					 __ATOMIC_RELAXED))
		return;
	fprintf(stderr, "vbd %u: %s\n", bf->front.devid, why);
	blkfront_kick(bf);
}

void blkfront_cancel(struct blkfront_queue *q, int err)
{
	blkfront_fail(q->bf, err, "the backend was given up");
}

int blkfront_error(const struct blkfront_queue *q)
{
	return q->error ? q->error : __atomic_load_n(&q->bf->error, __ATOMIC_RELAXED);
}

static void queue_end(struct blkfront_queue *q, int err)
{
	if (q->error)
		return;
	q->error = err;
	requests_abort(q);
}

/* Call done() for all that the error which ended the queue has struck.  Number called. */
static unsigned int failed_done(struct blkfront_queue *q)
{
	struct blkfront_req *req;
	unsigned int n = 0;

	queue_end(q, blkfront_error(q));
	for (; (req = q->failed); n++) {
		q->failed = req->next;
		req->done(req, req->err);
	}
	return n;
}

/* ---- responses ---------------------------------------------------------------------------- */

/* Both layouts begin alike, and both are aligned to 4 bytes. */
static void response_copy(const struct blkfront_queue *q, RING_IDX idx, blkif_response_t *rsp)
{
	const volatile uint32_t *from = (const volatile uint32_t *)blkfront_entry(q, idx);
	uint32_t word[3] = {from[0], from[1], from[2]};

	memcpy(rsp, word, sizeof(word));
}

static int status_error(int16_t status)
{
	if (status == BLKIF_RSP_OKAY)
		return 0;
	return status == BLKIF_RSP_EOPNOTSUPP ? -EOPNOTSUPP : -EIO;
}

static struct blkfront_slot *response_slot(struct blkfront_queue *q, const blkif_response_t *rsp)
{
	uint32_t i = (uint32_t)rsp->id;
	struct blkfront_slot *slot = i < q->ring.nr_ents ? &q->slot[i] : NULL;
	char why[160];

	if (!slot || !slot->req || slot->generation != rsp->id >> 32) {
		snprintf(why, sizeof(why), "the backend answered id %#llx, which is not in flight",
			 (unsigned long long)rsp->id);
	} else if (rsp->operation != slot->op) {
		snprintf(why, sizeof(why), "the backend answered operation %u with operation %u",
			 slot->op, rsp->operation);
	} else {
		return slot;
	}
	blkfront_fail(q->bf, -EPROTO, why);
	return NULL;
}

static void response_take(struct blkfront_queue *q, const blkif_response_t *rsp)
{
	struct blkfront_slot *slot = response_slot(q, rsp);
	struct blkfront_req *req;
	int err;

	if (!slot)
		return;
	req = slot->req;
	err = status_error(rsp->status);
	if (err)
		req->err = err;
	else if (slot->nr_bounce && slot->op == BLKIF_OP_READ)
		blkfront_slot_copy(q, slot);
	blkfront_slot_release(q, slot);
	q->in_flight--;
	q->stats.responses++;
	if (!--req->pieces && req->whole)
		req->done(req, req->err);
}

unsigned int blkfront_poll(struct blkfront_queue *q)
{
	RING_IDX prod = *(volatile RING_IDX *)&q->ring.sring->rsp_prod;
	unsigned int n = prod - q->ring.rsp_cons;
	blkif_response_t rsp;

	if (n > q->in_flight && !blkfront_error(q))
		blkfront_fail(q->bf, -EPROTO,
			      "the backend sent more responses than it had requests");
	if (blkfront_error(q))
		return failed_done(q);
	xen_rmb(); /* rsp_prod before the responses: pairs with the backend's wmb before rsp_prod */
	while (q->ring.rsp_cons != prod && !blkfront_error(q)) {
		response_copy(q, q->ring.rsp_cons, &rsp);
		q->ring.rsp_cons++;
		response_take(q, &rsp);
	}
	if (q->head)
		blkfront_pump(q);
	blkfront_push(q);
	return blkfront_error(q) ? n + failed_done(q) : n;
}

/* ---- waiting ------------------------------------------------------------------------------ */

static bool responses_waiting(const struct blkfront_queue *q)
{
	return *(volatile RING_IDX *)&q->ring.sring->rsp_prod != q->ring.rsp_cons;
}

/* Looks for a response until `most` nanoseconds after `idle_ns`; true if one came. */
static bool ring_look(const struct blkfront_queue *q, uint64_t idle_ns, uint64_t most)
{
	do {
		for (int i = 0; i < 16; i++) {
			if (responses_waiting(q))
				return true;
			__builtin_ia32_pause();
		}
	} while (blkfront_clock() - idle_ns < most);
	return false;
}

/*
 * Spins for spin_us at the longest, if that has paid off lately; true if a response came.  Waits
 * that are slept through are longer by what waking takes, so now and then it is tried anyway.
 */
static bool ring_spin(struct blkfront_queue *q, uint64_t idle_ns)
{
	uint64_t most = q->bf->opts.spin_us * 1000U;

	if (!most || !q->in_flight)
		return false;
	if (q->wait_ns <= most)
		return ring_look(q, idle_ns, most);
	if (++q->naps < q->nap_limit)
		return false;
	q->naps = 0;
	if (!ring_look(q, idle_ns, most)) {
		q->nap_limit = q->nap_limit < NAPS_MAX ? q->nap_limit * 2 : NAPS_MAX;
		return false;
	}
	q->nap_limit = NAPS_MIN;
	q->wait_ns = 0;
	return true;
}

/* Follows how long the waits are: three long ones in a row end the spinning, a single one does not.
 */
static void ring_waited(struct blkfront_queue *q, uint64_t idle_ns)
{
	uint64_t waited = blkfront_clock() - idle_ns, most = q->bf->opts.spin_us * 4000U;

	q->wait_ns = q->wait_ns - q->wait_ns / 8 + (waited < most ? waited : most) / 8;
}

static void event_take(struct blkfront_queue *q)
{
	int port = xenevtchn_pending(q->evtchn);

	if (port < 0)
		return;
	q->stats.wakes++;
	xenevtchn_unmask(q->evtchn, (evtchn_port_t)port);
}

static void kick_take(struct blkfront_queue *q)
{
	uint64_t count;
	ssize_t n = read(q->kick_fd, &count, sizeof(count));

	(void)n; /* what it is about is looked at anyway */
}

static int ring_wake_fd(const struct blkfront_queue *q)
{
	const struct blkfront_opts *o = &q->bf->opts;
	unsigned int index = 0;

	if (!o->wake_fds)
		return o->wake_fd ? o->wake_fd : -1;
	while (q->bf->queue[index] != q)
		index++;
	return o->wake_fds[index];
}

/* 0: something happened; 1: wake_fd is readable; -ETIMEDOUT, -EINTR. */
static int ring_sleep(struct blkfront_queue *q, int timeout_ms)
{
	struct pollfd pfd[4] = {
		{.fd = xenevtchn_fd(q->evtchn), .events = POLLIN},
		{.fd = front_fd(&q->bf->front), .events = POLLIN},
		{.fd = q->kick_fd, .events = POLLIN},
		{.fd = ring_wake_fd(q), .events = POLLIN},
	};
	int n;

	q->stats.sleeps++;
	n = poll(pfd, 4, timeout_ms);
	if (n < 0)
		return -errno;
	if (pfd[0].revents)
		event_take(q);
	if (pfd[1].revents)
		blkfront_backend_changed(q->bf);
	if (pfd[2].revents)
		kick_take(q);
	if (pfd[3].revents)
		return 1;
	return n ? 0 : -ETIMEDOUT;
}

static void closed(struct blkfront_queue *q)
{
	if (!__atomic_exchange_n(&q->bf->closing_told, true, __ATOMIC_RELAXED))
		fprintf(stderr, "vbd %u: the backend closed the device\n", q->bf->front.devid);
	queue_end(q, -ESHUTDOWN);
}

/* The backend wants to close: give it a while to answer what it has, not for ever. */
static int closing_check(struct blkfront_queue *q, uint64_t end, int timeout_ms)
{
	uint64_t now = blkfront_clock();

	if (!q->in_flight || now >= end)
		closed(q);
	else if (timeout_ms < 0 || (uint64_t)timeout_ms > (end - now) / 1000000 + 1)
		timeout_ms = (int)((end - now) / 1000000) + 1;
	return timeout_ms;
}

int blkfront_wait(struct blkfront_queue *q, int timeout_ms)
{
	uint64_t idle_ns = 0;

	for (;;) {
		unsigned int n = blkfront_poll(q);
		int work, ret, sleep_ms = timeout_ms;
		uint64_t end;

		if (n && idle_ns)
			ring_waited(q, idle_ns);
		if (n)
			return (int)n;
		if (q->error)
			return q->error;
		if (!idle_ns)
			idle_ns = blkfront_clock();
		if (ring_spin(q, idle_ns))
			continue;
		/* Its mb pairs with the one in the backend's push, between rsp_prod and rsp_event.
		 */
		RING_FINAL_CHECK_FOR_RESPONSES(&q->ring, work);
		if (work)
			continue;
		end = __atomic_load_n(&q->bf->closing_end, __ATOMIC_ACQUIRE);
		if (end)
			sleep_ms = closing_check(q, end, timeout_ms);
		if (q->error)
			continue;
		ret = ring_sleep(q, sleep_ms);
		if (ret == -ETIMEDOUT && sleep_ms != timeout_ms)
			continue;
		if (ret)
			return ret > 0 ? (int)blkfront_poll(q) : ret;
	}
}
