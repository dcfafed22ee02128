// SPDX-License-Identifier: MIT
/*
 * The loop where io_uring is forbidden: an epoll for descriptors, one timerfd for all timers, and
 * libaio (aio.c) for I/O.
 *
 * A busy loop finds I/O that completed in memory (aio.c) and new requests in its rings, so it asks
 * epoll only now and then, and otherwise when it sleeps.  Descriptors are watched edge-triggered:
 * so ready() is called as on an io_uring, and nobody has to read an eventfd only to quieten it.
 */
#include "common/loop_way.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/aio.h"
#include "common/filter.h"
#include "common/log.h"

enum {
	EVENTS = 16,
	LOOK_TURNS = 16, /* how many turns in a row may pass without a look at the descriptors */
};

struct loop_epoll {
	int fd;
	int timer_fd; /* -1: no timer was ever set */
	uint32_t turns;
	int count; /* of events that wait to be told */
	struct epoll_event events[EVENTS];
	LIST_HEAD(, loop_poll) dead; /* deleted, but events[] may name them */
};

static int epoll_init(struct loop *loop, unsigned int entries, const struct filter *const *filters)
{
	struct loop_epoll *epoll = calloc(1, sizeof(*epoll));

	(void)entries;
	(void)filters;
	if (!epoll)
		return -ENOMEM;
	epoll->timer_fd = -1;
	epoll->fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll->fd < 0) {
		free(epoll);
		return -errno;
	}
	loop->epoll = epoll;
	return 0;
}

static int epoll_begin(struct loop *loop)
{
	(void)loop;
	return 0;
}

static void epoll_bury(struct loop_epoll *epoll)
{
	struct loop_poll *poll;

	while ((poll = LIST_FIRST(&epoll->dead)))
		loop_poll_free(poll);
}

static void epoll_free(struct loop *loop)
{
	struct loop_epoll *epoll = loop->epoll;

	aio_close(loop);
	epoll_bury(epoll);
	if (epoll->timer_fd >= 0)
		close(epoll->timer_fd);
	close(epoll->fd);
	free(epoll);
	loop->epoll = NULL;
}

/* ---- polls ------------------------------------------------------------------------------ */

static void epoll_poll_arm(struct loop_poll *poll)
{
	/* poll(2)'s bits and epoll's are the same. */
	struct epoll_event event = {.events = poll->events | EPOLLET, .data.ptr = poll};
	int fd = poll->loop->epoll->fd;
	int err = epoll_ctl(fd, EPOLL_CTL_ADD, poll->fd, &event);

	if (err < 0 && errno == EEXIST) { /* a descriptor is watched once, so take another */
		poll->own_fd = fcntl(poll->fd, F_DUPFD_CLOEXEC, 0);
		err = epoll_ctl(fd, EPOLL_CTL_ADD, poll->own_fd, &event);
	}
	if (err < 0)
		log_panic("can't poll a descriptor: %s", strerror(errno));
}

static void epoll_poll_disarm(struct loop_poll *poll)
{
	struct loop_epoll *epoll = poll->loop->epoll;

	epoll_ctl(epoll->fd, EPOLL_CTL_DEL, poll->own_fd < 0 ? poll->fd : poll->own_fd, NULL);
	if (poll->own_fd >= 0)
		close(poll->own_fd);
	LIST_REMOVE(poll, link);
	LIST_INSERT_HEAD(&epoll->dead, poll, link);
}

static int epoll_look(struct loop *loop, int timeout_ms)
{
	struct loop_epoll *epoll = loop->epoll;
	int n = epoll_wait(epoll->fd, epoll->events, EVENTS, timeout_ms);

	epoll->turns = 0;
	epoll->count = n < 0 ? 0 : n;
	return n < 0 && errno != EINTR ? -errno : 0;
}

static bool epoll_tell(struct loop_epoll *epoll)
{
	int count = epoll->count;

	for (int i = 0; i < count; i++) {
		struct loop_poll *poll = epoll->events[i].data.ptr;

		if (poll->ready)
			poll->ready(poll->arg, (int)epoll->events[i].events);
	}
	epoll->count = 0;
	epoll_bury(epoll);
	return count > 0;
}

/* ---- timers: loop->timers is sorted by when they are due ---------------------------------- */

static void timers_set(struct loop *loop)
{
	const struct loop_timer *first = LIST_FIRST(&loop->timers);
	struct itimerspec when = {0};

	if (first) {
		when.it_value.tv_sec = (time_t)(first->due_ns / 1000000000u);
		when.it_value.tv_nsec = (long)(first->due_ns % 1000000000u);
	}
	if (timerfd_settime(loop->epoll->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		log_panic("can't set a timer: %s", strerror(errno));
}

static void timers_ready(void *arg, int events)
{
	uint64_t now_ns = loop_now_ns();
	struct loop *loop = arg;
	struct loop_timer *timer;

	(void)events;
	while ((timer = LIST_FIRST(&loop->timers)) && timer->due_ns <= now_ns) {
		void (*fired)(void *) = timer->fired;
		void *fired_arg = timer->arg;

		loop_timer_free(timer);
		fired(fired_arg);
	}
	timers_set(loop);
}

static void timers_open(struct loop *loop)
{
	loop->epoll->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->epoll->timer_fd < 0)
		log_panic("can't make a timer: %s", strerror(errno));
	loop_poll_add(loop, loop->epoll->timer_fd, timers_ready, loop);
}

static void epoll_timer_arm(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *at, *next;

	if (loop->epoll->timer_fd < 0)
		timers_open(loop);
	/* It was put first; among equals it becomes the last. */
	for (at = timer; (next = LIST_NEXT(at, link)) && next->due_ns <= timer->due_ns; at = next)
		;
	if (at != timer) {
		LIST_REMOVE(timer, link);
		LIST_INSERT_AFTER(at, timer, link);
	} else {
		timers_set(loop);
	}
}

static void epoll_timer_disarm(struct loop *loop, struct loop_timer *timer)
{
	bool first = timer == LIST_FIRST(&loop->timers);

	loop_timer_free(timer);
	if (first)
		timers_set(loop);
}

/* ---- the turn --------------------------------------------------------------------------- */

static bool epoll_peek(const struct loop *loop)
{
	return loop->epoll->count > 0 || (loop->aio && aio_peek(loop->aio));
}

static bool epoll_reap(struct loop *loop)
{
	bool any = loop->aio && aio_reap(loop->aio);

	return (loop->epoll->count > 0 && epoll_tell(loop->epoll)) || any;
}

static int epoll_enter(struct loop *loop, bool wait)
{
	if (loop->aio)
		aio_submit(loop->aio);
	if (wait)
		/* What completes while it is submitted need not wake us: aio.c */
		return epoll_look(loop, epoll_peek(loop) ? 0 : -1);
	return ++loop->epoll->turns >= LOOK_TURNS ? epoll_look(loop, 0) : 0;
}

static int epoll_enter_many(struct loop *loop, unsigned int n, long ns)
{
	int err = epoll_enter(loop, false);

	if (err == 0 && loop->aio)
		aio_wait(loop->aio, n, ns);
	return err < 0 ? err : epoll_peek(loop);
}

const struct loop_ops loop_epoll = {
	.init = epoll_init,
	.begin = epoll_begin,
	.free = epoll_free,
	.enter = epoll_enter,
	.enter_many = epoll_enter_many,
	.peek = epoll_peek,
	.reap = epoll_reap,
	.poll_arm = epoll_poll_arm,
	.timer_arm = epoll_timer_arm,
	.poll_disarm = epoll_poll_disarm,
	.timer_disarm = epoll_timer_disarm,
};

static const struct filter_rule epoll_rules[] = {
	FILTER_ALLOW(epoll_ctl),
	FILTER_ALLOW(epoll_wait),
	FILTER_ALLOW(timerfd_create),
	FILTER_ALLOW(timerfd_settime),
	FILTER_INT(fcntl, 1, F_DUPFD_CLOEXEC),
};

const struct filter loop_epoll_filter = {FILTER_RULES(epoll_rules)};
