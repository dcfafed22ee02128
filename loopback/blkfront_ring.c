// SPDX-License-Identifier: MIT
/*
 * A disk frontend's ring: pushes, responses, sleeping.
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

#include "loopback/blkfront_priv.h"

#define SPIN_MIN_NS 500

uint64_t blkfront_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

void blkfront_ring_init(struct blkfront *bf, void *pages)
{
	size_t bytes = bf->ring_pages * BLKFRONT_PAGE;

	XEN_FRONT_RING_INIT(&bf->ring, (struct blkif_sring *)pages, bytes);
	/* The macro counts native entries; of either layout's, a power of two fits. */
	bf->ring.nr_ents =
		(unsigned int)__RD32((bytes - offsetof(struct blkif_sring, ring)) / bf->abi->entry);
	bf->spin_ns = bf->opts.spin_us * 1000U;
}

void blkfront_push(struct blkfront *bf)
{
	int notify;

	if (bf->error || bf->ring.req_prod_pvt == bf->ring.sring->req_prod)
		return;
	/* Its wmb pairs with the backend's rmb after reading req_prod; its mb with the one in the
	 * backend's final check, between setting req_event and looking at req_prod again. */
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&bf->ring, notify);
	bf->stats.pushes++;
	if (!notify)
		return;
	bf->stats.notifies++;
	if (xenevtchn_notify(bf->guest->evtchn, bf->port))
		blkfront_fail(bf, -errno, "cannot notify the backend");
}

/* ---- ending ------------------------------------------------------------------------------- */

static void req_fail(struct blkfront *bf, struct blkfront_req *req)
{
	req->err = bf->error;
	req->next = bf->failed;
	bf->failed = req;
}

/* All in flight or queued is lost: done() is called for it by the next poll. */
static void requests_abort(struct blkfront *bf)
{
	struct blkfront_req *req;

	for (unsigned int i = 0; i < bf->ring.nr_ents; i++) {
		req = bf->slot[i].req;
		if (!req)
			continue;
		blkfront_slot_release(bf, &bf->slot[i]);
		if (!--req->pieces && req->whole)
			req_fail(bf, req);
	}
	while ((req = bf->head)) {
		bf->head = req->next;
		req_fail(bf, req);
	}
	bf->tail = &bf->head;
	bf->in_flight = 0;
}

void blkfront_fail(struct blkfront *bf, int err, const char *why)
{
	if (bf->error)
		return;
	fprintf(stderr, "vbd %u: %s\n", bf->front.devid, why);
	bf->error = err;
	requests_abort(bf);
}

void blkfront_cancel(struct blkfront *bf, int err)
{
	blkfront_fail(bf, err, "the backend was given up");
}

int blkfront_error(const struct blkfront *bf)
{
	return bf->error;
}

static unsigned int failed_done(struct blkfront *bf)
{
	struct blkfront_req *req;
	unsigned int n = 0;

	for (; (req = bf->failed); n++) {
		bf->failed = req->next;
		req->done(req, req->err);
	}
	return n;
}

/* ---- responses ---------------------------------------------------------------------------- */

/* Both layouts begin alike, and both are aligned to 4 bytes. */
static void response_copy(const struct blkfront *bf, RING_IDX idx, blkif_response_t *rsp)
{
	const volatile uint32_t *from = (const volatile uint32_t *)blkfront_entry(bf, idx);
	uint32_t word[3] = {from[0], from[1], from[2]};

	memcpy(rsp, word, sizeof(word));
}

static int status_error(int16_t status)
{
	if (status == BLKIF_RSP_OKAY)
		return 0;
	return status == BLKIF_RSP_EOPNOTSUPP ? -EOPNOTSUPP : -EIO;
}

static struct blkfront_slot *response_slot(struct blkfront *bf, const blkif_response_t *rsp)
{
	uint32_t i = (uint32_t)rsp->id;
	struct blkfront_slot *slot = i < bf->ring.nr_ents ? &bf->slot[i] : NULL;
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
	blkfront_fail(bf, -EPROTO, why);
	return NULL;
}

static void response_take(struct blkfront *bf, const blkif_response_t *rsp)
{
	struct blkfront_slot *slot = response_slot(bf, rsp);
	struct blkfront_req *req;
	int err;

	if (!slot)
		return;
	req = slot->req;
	err = status_error(rsp->status);
	if (err)
		req->err = err;
	else if (slot->nr_bounce && slot->op == BLKIF_OP_READ)
		blkfront_slot_copy(bf, slot);
	blkfront_slot_release(bf, slot);
	bf->in_flight--;
	bf->stats.responses++;
	if (!--req->pieces && req->whole)
		req->done(req, req->err);
}

unsigned int blkfront_poll(struct blkfront *bf)
{
	RING_IDX prod = *(volatile RING_IDX *)&bf->ring.sring->rsp_prod;
	unsigned int n = prod - bf->ring.rsp_cons;
	blkif_response_t rsp;

	if (n > bf->in_flight && !bf->error)
		blkfront_fail(bf, -EPROTO, "the backend sent more responses than it had requests");
	if (bf->error)
		return failed_done(bf);
	xen_rmb(); /* rsp_prod before the responses: pairs with the backend's wmb before rsp_prod */
	while (bf->ring.rsp_cons != prod && !bf->error) {
		response_copy(bf, bf->ring.rsp_cons, &rsp);
		bf->ring.rsp_cons++;
		response_take(bf, &rsp);
	}
	if (bf->head)
		blkfront_pump(bf);
	blkfront_push(bf);
	return n + failed_done(bf);
}

/* ---- waiting ------------------------------------------------------------------------------ */

static bool responses_waiting(const struct blkfront *bf)
{
	return *(volatile RING_IDX *)&bf->ring.sring->rsp_prod != bf->ring.rsp_cons;
}

/* Returns true if a response came.  The time is doubled when that pays, and halved when not. */
static bool ring_spin(struct blkfront *bf)
{
	uint64_t most = bf->opts.spin_us * 1000U, end;
	bool came;

	if (!most || !bf->in_flight)
		return false;
	end = blkfront_clock() + bf->spin_ns;
	do {
		for (int i = 0; i < 16 && !responses_waiting(bf); i++)
			__builtin_ia32_pause();
		came = responses_waiting(bf);
	} while (!came && blkfront_clock() < end);
	bf->spin_ns = came ? bf->spin_ns * 2 : bf->spin_ns / 2;
	if (bf->spin_ns > most)
		bf->spin_ns = most;
	if (bf->spin_ns < SPIN_MIN_NS)
		bf->spin_ns = SPIN_MIN_NS;
	return came;
}

static void event_take(struct blkfront *bf)
{
	int port = xenevtchn_pending(bf->guest->evtchn);

	if (port < 0)
		return;
	bf->stats.wakes++;
	xenevtchn_unmask(bf->guest->evtchn, (evtchn_port_t)port);
}

/* 0: something happened; 1: wake_fd is readable; -ETIMEDOUT, -EINTR. */
static int ring_sleep(struct blkfront *bf, int timeout_ms)
{
	struct pollfd pfd[3] = {
		{.fd = xenevtchn_fd(bf->guest->evtchn), .events = POLLIN},
		{.fd = front_fd(&bf->front), .events = POLLIN},
		{.fd = bf->opts.wake_fd ? bf->opts.wake_fd : -1, .events = POLLIN},
	};
	int n;

	bf->stats.sleeps++;
	n = poll(pfd, 3, timeout_ms);
	if (n < 0)
		return -errno;
	if (pfd[0].revents)
		event_take(bf);
	if (pfd[1].revents)
		blkfront_backend_changed(bf);
	if (pfd[2].revents)
		return 1;
	return n ? 0 : -ETIMEDOUT;
}

/* The backend wants to close: give it a while to answer what it has, not for ever. */
static int closing_check(struct blkfront *bf, int timeout_ms)
{
	uint64_t now = blkfront_clock();

	if (!bf->in_flight || now >= bf->closing_end)
		blkfront_fail(bf, -ESHUTDOWN, "the backend closed the device");
	else if (timeout_ms < 0 || (uint64_t)timeout_ms > (bf->closing_end - now) / 1000000 + 1)
		timeout_ms = (int)((bf->closing_end - now) / 1000000) + 1;
	return timeout_ms;
}

int blkfront_wait(struct blkfront *bf, int timeout_ms)
{
	for (;;) {
		unsigned int n = blkfront_poll(bf);
		int work, ret, sleep_ms = timeout_ms;

		if (n)
			return (int)n;
		if (bf->error)
			return bf->error;
		if (ring_spin(bf))
			continue;
		/* Its mb pairs with the one in the backend's push, between rsp_prod and rsp_event.
		 */
		RING_FINAL_CHECK_FOR_RESPONSES(&bf->ring, work);
		if (work)
			continue;
		if (bf->closing_end)
			sleep_ms = closing_check(bf, timeout_ms);
		if (bf->error)
			continue;
		ret = ring_sleep(bf, sleep_ms);
		if (ret == -ETIMEDOUT && sleep_ms != timeout_ms)
			continue;
		if (ret)
			return ret > 0 ? (int)blkfront_poll(bf) : ret;
	}
}
