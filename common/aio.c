// SPDX-License-Identifier: MIT
/*
 * One libaio context for a loop: all that a turn queued goes to the kernel by one io_submit, and
 * completions are taken from the context's ring in memory, without a system call (aio_ring.h).
 *
 * A loop that sleeps is woken by an eventfd, which the kernel signals with each completion.
 */
#include "common/aio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/aio_ring.h"
#include "common/filter.h"
#include "common/log.h"

enum {
	AIO_EVENTS = 128, /* under way at once; the sum over the host is limited by fs.aio-max-nr */
	AIO_BATCH = 64,
};

struct aio {
	io_context_t context;
	struct aio_ring *ring; /* the context's address */
	int event_fd;
	struct loop_poll *poll;
	struct aio_op *queue, **queue_tail;
	struct aio_op *refused; /* what the kernel did not take; res says why */
	uint32_t under_way;
	uint32_t waited; /* events that aio_wait() took */
	struct io_event events[AIO_BATCH];
};

/* The turn that follows looks at the ring. */
static void aio_ready(void *arg, int events)
{
	(void)arg;
	(void)events;
}

static int aio_open_context(struct aio *aio)
{
	int err = aio_ring_open(&aio->context, &aio->ring, AIO_EVENTS);

	if (err < 0)
		return err;
	aio->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (aio->event_fd >= 0)
		return 0;
	err = -errno;
	io_destroy(aio->context);
	return err;
}

static int aio_make(struct loop *loop)
{
	struct aio *aio = calloc(1, sizeof(*aio));
	int err;

	if (!aio)
		return -ENOMEM;
	err = aio_open_context(aio);
	if (err < 0) {
		free(aio);
		return err;
	}
	aio->queue_tail = &aio->queue;
	aio->poll = loop_poll_add(loop, aio->event_fd, aio_ready, NULL);
	loop->aio = aio;
	return 0;
}

int aio_open(struct loop *loop)
{
	if (loop->aio || loop->aio_error)
		return loop->aio_error;
	loop->aio_error = aio_make(loop);
	if (loop->aio_error == -EAGAIN)
		log_warn(
			"all of fs.aio-max-nr is in use, so disks are served by threads; raise it");
	else if (loop->aio_error < 0)
		log_warn("libaio can't be used (%s), so disks are served by threads",
			 strerror(-loop->aio_error));
	return loop->aio_error;
}

void aio_close(struct loop *loop)
{
	struct aio *aio = loop->aio;

	if (!aio)
		return;
	io_destroy(aio->context);
	loop_poll_del(loop, aio->poll);
	close(aio->event_fd);
	free(aio);
	loop->aio = NULL;
}

/* ---- to the kernel ---------------------------------------------------------------------- */

void aio_queue(struct loop *loop, struct aio_op *op, bool inside)
{
	struct aio *aio = loop->aio;

	op->iocb.data = op;
	if (!inside)
		io_set_eventfd(&op->iocb, aio->event_fd);
	op->next = NULL;
	*aio->queue_tail = op;
	aio->queue_tail = &op->next;
}

/* What io_submit took is the kernel's: it may have completed, but nobody was told yet. */
static void aio_dequeue(struct aio *aio, int n)
{
	while (n-- > 0)
		aio->queue = aio->queue->next;
	if (!aio->queue)
		aio->queue_tail = &aio->queue;
}

static void aio_refuse(struct aio *aio, int err)
{
	struct aio_op *op = aio->queue;

	aio_dequeue(aio, 1);
	op->res = err;
	op->next = aio->refused;
	aio->refused = op;
}

void aio_submit(struct aio *aio)
{
	struct iocb *batch[AIO_BATCH];

	while (aio->queue) {
		long room = AIO_EVENTS - (long)aio->under_way, count = 0;
		int n;

		for (struct aio_op *op = aio->queue; op && count < AIO_BATCH && count < room;
		     op = op->next)
			batch[count++] = &op->iocb;
		if (count == 0)
			return; /* the next completion makes room */
		n = io_submit(aio->context, count, batch);
		if (n > 0) {
			aio->under_way += (uint32_t)n;
			aio_dequeue(aio, n);
		} else if (n == -EAGAIN && aio->under_way > 0) {
			return;
		} else if (n != -EINTR) {
			aio_refuse(aio, n); /* the first one: io_submit(2) */
		}
	}
}

/* ---- from the kernel -------------------------------------------------------------------- */

bool aio_peek(const struct aio *aio)
{
	return aio->waited > 0 || aio->refused || aio_ring_peek(aio->ring) > 0;
}

static void aio_done(struct aio *aio, const struct io_event *event)
{
	struct aio_op *op = event->data;

	aio->under_way--;
	op->op.done(&op->op, (int)(long)event->res, 0);
}

bool aio_reap(struct aio *aio)
{
	struct aio_op *refused = aio->refused;
	bool any = refused || aio->waited > 0;
	struct io_event event;

	aio->refused = NULL;
	while (refused) {
		struct aio_op *next = refused->next;

		refused->op.done(&refused->op, (int)refused->res, 0);
		refused = next;
	}
	for (uint32_t i = 0; i < aio->waited; i++)
		aio_done(aio, &aio->events[i]);
	aio->waited = 0;
	while (aio_ring_take(aio->ring, &event)) {
		aio_done(aio, &event);
		any = true;
	}
	return any;
}

void aio_wait(struct aio *aio, unsigned int n, long ns)
{
	struct timespec limit = {.tv_nsec = ns};
	int got;

	if (n > AIO_BATCH)
		n = AIO_BATCH;
	if (aio->refused || aio->under_way < n || aio_ring_peek(aio->ring) >= n)
		return;
	got = io_getevents(aio->context, n, AIO_BATCH, aio->events, &limit);
	aio->waited = got > 0 ? (uint32_t)got : 0;
}

static const struct filter_rule aio_rules[] = {
	FILTER_INT(io_setup, 0, AIO_EVENTS), FILTER_ALLOW(io_destroy), FILTER_ALLOW(io_submit),
	FILTER_ALLOW(io_getevents),	     FILTER_ALLOW(eventfd2),
};

const struct filter aio_filter = {FILTER_RULES(aio_rules)};
