// SPDX-License-Identifier: MIT
/*
 * What is the same however the loop waits: hooks, spinning, batches, lists of polls and timers.
 * It never calls back while it walks its own lists unguarded: hooks may delete hooks, completions
 * may queue anything.
 *
 * Before it sleeps a busy loop spins for a moment (spin_us): sleeping and being woken costs the
 * guest a notification and us several system calls, more than the few microseconds in which a busy
 * guest's next request comes.  Whether it is worth it is measured, not assumed: gap_ns follows how
 * long the last gaps were, and a loop whose gaps are long only tries it now and then.
 *
 * Deep queues are another matter: one entry of the kernel per completion would cost more than the
 * I/O.  So with many I/Os under way a turn waits for a quarter of them (loop_batch).
 */
#include "common/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/filter.h"
#include "common/log.h"
#include "common/loop_way.h"

enum {
	BATCH_MIN = 8,	  /* I/Os under way from which on completions are waited for in batches */
	BATCH_NS = 50000, /* and for how long */
	BATCH_REST = 64,
	SPIN_OFTEN = 16, /* sleeps between two tries whether to spin */
	SPIN_RARELY = 1024,
};

uint64_t loop_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int loop_prepare(struct loop *loop, unsigned int entries, enum loop_way way,
		 const struct filter *const *filters)
{
	memset(loop, 0, sizeof(*loop));
	loop->way = way;
	loop->ops = way == LOOP_URING ? &loop_uring : &loop_epoll;
	loop->gap_ns = UINT32_MAX;
	loop->spin_every = SPIN_OFTEN;
	loop->wake_fd = -1;
	return loop->ops->init(loop, entries, filters);
}

int loop_begin(struct loop *loop)
{
	return loop->ops->begin(loop);
}

int loop_init(struct loop *loop, unsigned int entries, enum loop_way way)
{
	int err = loop_prepare(loop, entries, way, NULL);

	return err < 0 ? err : loop_begin(loop);
}

void loop_free(struct loop *loop)
{
	struct loop_timer *timer, *next_timer;
	struct loop_poll *poll, *next_poll;

	loop->ops->free(loop);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	for (poll = LIST_FIRST(&loop->polls); poll; poll = next_poll) {
		next_poll = LIST_NEXT(poll, link);
		free(poll);
	}
	for (timer = LIST_FIRST(&loop->timers); timer; timer = next_timer) {
		next_timer = LIST_NEXT(timer, link);
		free(timer);
	}
}

/* ---- polls and timers ------------------------------------------------------------------- */

static struct loop_poll *poll_add(struct loop *loop, int fd, unsigned int events,
				  void (*ready)(void *arg, int events), void *arg)
{
	struct loop_poll *poll = malloc(sizeof(*poll));

	if (!poll)
		log_panic("out of memory");
	*poll = (struct loop_poll){
		.loop = loop, .fd = fd, .own_fd = -1, .events = events, .ready = ready, .arg = arg};
	LIST_INSERT_HEAD(&loop->polls, poll, link);
	loop->ops->poll_arm(poll);
	return poll;
}

struct loop_poll *loop_poll_add(struct loop *loop, int fd, void (*ready)(void *arg, int events),
				void *arg)
{
	return poll_add(loop, fd, POLLIN, ready, arg);
}

struct loop_poll *loop_poll_add_out(struct loop *loop, int fd, void (*ready)(void *arg, int events),
				    void *arg)
{
	return poll_add(loop, fd, POLLOUT, ready, arg);
}

void loop_poll_del(struct loop *loop, struct loop_poll *poll)
{
	if (!poll)
		return;
	poll->ready = NULL;
	loop->ops->poll_disarm(poll);
}

void loop_poll_free(struct loop_poll *poll)
{
	LIST_REMOVE(poll, link);
	free(poll);
}

struct loop_timer *loop_timer_add(struct loop *loop, uint32_t ms, void (*fired)(void *arg),
				  void *arg)
{
	struct loop_timer *timer = malloc(sizeof(*timer));

	if (!timer)
		log_panic("out of memory");
	*timer = (struct loop_timer){
		.ts = {.tv_sec = ms / 1000, .tv_nsec = (long long)(ms % 1000) * 1000000},
		.due_ns = loop_now_ns() + (uint64_t)ms * 1000000,
		.fired = fired,
		.arg = arg,
	};
	LIST_INSERT_HEAD(&loop->timers, timer, link);
	loop->ops->timer_arm(loop, timer);
	return timer;
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	if (!timer)
		return;
	timer->fired = NULL;
	loop->ops->timer_disarm(loop, timer);
}

void loop_timer_free(struct loop_timer *timer)
{
	LIST_REMOVE(timer, link);
	free(timer);
}

/* ---- hooks ------------------------------------------------------------------------------ */

void loop_hook_add(struct loop *loop, struct loop_hook *hook)
{
	hook->next = loop->hooks;
	loop->hooks = hook;
}

void loop_hook_del(struct loop *loop, struct loop_hook *hook)
{
	for (struct loop_hook **p = &loop->hooks; *p; p = &(*p)->next)
		if (*p == hook) {
			*p = hook->next;
			break;
		}
	if (loop->hook_next == hook)
		loop->hook_next = hook->next;
}

static void hooks_turn(struct loop *loop)
{
	for (struct loop_hook *hook = loop->hooks; hook; hook = loop->hook_next) {
		loop->hook_next = hook->next;
		hook->turn(hook);
	}
}

static bool hooks_peek(const struct loop *loop)
{
	for (struct loop_hook *hook = loop->hooks; hook; hook = hook->next)
		if (hook->peek(hook))
			return true;
	return false;
}

static bool hooks_sleep(struct loop *loop)
{
	bool work = false;

	for (struct loop_hook *hook = loop->hooks; hook; hook = loop->hook_next) {
		loop->hook_next = hook->next;
		work |= hook->sleep(hook);
	}
	return work;
}

/* ---- posts: completions by other threads ------------------------------------------------- */

/* The turn that follows looks at what was posted.  Nothing reads the eventfd: it is told once. */
static void posts_ready(void *arg, int events)
{
	(void)arg;
	(void)events;
}

int loop_post_open(struct loop *loop)
{
	if (loop->wake_fd >= 0)
		return 0;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0)
		return -errno;
	loop_poll_add(loop, loop->wake_fd, posts_ready, NULL);
	return 0;
}

void loop_post(struct loop *loop, struct loop_post *post, int res)
{
	uint64_t one = 1;

	post->res = res;
	post->next = __atomic_load_n(&loop->posted, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&loop->posted, &post->next, post, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	/* Partner: posts_sleep().  We post, then look; it says that it sleeps, then looks. */
	if (__atomic_exchange_n(&loop->drowsy, false, __ATOMIC_SEQ_CST) &&
	    write(loop->wake_fd, &one, sizeof(one)) < 0)
		log_panic("can't wake a loop: %s", strerror(errno));
}

static bool posts_peek(const struct loop *loop)
{
	return __atomic_load_n(&loop->posted, __ATOMIC_RELAXED) != NULL;
}

static bool posts_sleep(struct loop *loop)
{
	if (loop->wake_fd < 0)
		return false;
	/* Partner: loop_post(). */
	__atomic_store_n(&loop->drowsy, true, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&loop->posted, __ATOMIC_SEQ_CST) != NULL;
}

static bool posts_reap(struct loop *loop)
{
	struct loop_post *last, *first = NULL;

	if (!posts_peek(loop))
		return false;
	last = __atomic_exchange_n(&loop->posted, NULL, __ATOMIC_ACQUIRE);
	while (last) {
		struct loop_post *next = last->next;

		last->next = first;
		first = last;
		last = next;
	}
	while (first) {
		struct loop_post *next = first->next;

		first->op.done(&first->op, first->res, 0);
		first = next;
	}
	return true;
}

/* ---- the turn --------------------------------------------------------------------------- */

/* Runs the completions that are there. */
static bool loop_reap(struct loop *loop)
{
	bool any = loop->ops->reap(loop);

	return posts_reap(loop) || any;
}

/* Asks everybody to wake us from now on; true if work came meanwhile. */
static bool loop_drowse(struct loop *loop)
{
	bool work = hooks_sleep(loop);

	return posts_sleep(loop) || work;
}

/* Looks for work until `limit_ns` after the last one ended; true if there is some. */
static bool loop_look(struct loop *loop, uint64_t limit_ns)
{
	do {
		for (int i = 0; i < 32; i++) {
			if (loop->ops->peek(loop) || posts_peek(loop) || hooks_peek(loop))
				return true;
			__builtin_ia32_pause();
		}
	} while (loop_now_ns() - loop->asleep_ns < limit_ns);
	return false;
}

/*
 * Spins for spin_us at the longest, if that has paid off lately; true if there is work.  A loop
 * that sleeps can't tell: its gaps hold the time that waking took, so they stay long.  Now and then
 * it tries, less often each time that it was for nothing.
 */
static bool loop_spin(struct loop *loop)
{
	uint64_t limit_ns = (uint64_t)loop->spin_us * 1000;

	if (loop->gap_ns <= limit_ns)
		return limit_ns > 0 && loop_look(loop, limit_ns);
	if (limit_ns == 0 || ++loop->spin_naps < loop->spin_every)
		return false;
	loop->spin_naps = 0;
	if (!loop_look(loop, limit_ns)) {
		loop->spin_every =
			loop->spin_every < SPIN_RARELY ? loop->spin_every * 2 : SPIN_RARELY;
		return false;
	}
	loop->spin_every = SPIN_OFTEN;
	loop->gap_ns = 0;
	return true;
}

/*
 * The turn with many I/Os under way enters the kernel once, to submit and to wait: for a quarter of
 * them, but only for a moment, in which the guest need not be asked for notifications.  Where none
 * comes in that time this is left for a while, and the loop sleeps as ever.
 */
static int loop_batch(struct loop *loop)
{
	int n;

	if (hooks_peek(loop))
		hooks_turn(loop); /* more for this entry to submit */
	if (loop->batch_rest > 0) {
		loop->batch_rest--;
		return loop->ops->enter(loop, !loop_drowse(loop));
	}
	n = loop->ops->enter_many(loop, loop->io / 4, BATCH_NS);
	if (n == 0)
		loop->batch_rest = BATCH_REST;
	return n;
}

/* Follows how long the gaps are: three long ones in a row end the spinning, a single one does not.
 */
static void loop_gap(struct loop *loop)
{
	uint64_t gap = loop_now_ns() - loop->asleep_ns, most = (uint64_t)loop->spin_us * 4000;

	if (gap > most)
		gap = most;
	loop->gap_ns = loop->gap_ns - loop->gap_ns / 8 + gap / 8;
}

int loop_run(struct loop *loop)
{
	while (!loop->stop) {
		int err = loop->io >= BATCH_MIN ? loop_batch(loop) : loop->ops->enter(loop, false);

		if (err < 0)
			return err;
		if (loop_reap(loop) || hooks_peek(loop)) {
			hooks_turn(loop);
			continue;
		}
		if (loop->spin_us)
			loop->asleep_ns = loop_now_ns();
		if (!loop_spin(loop) && !loop_drowse(loop)) {
			err = loop->ops->enter(loop, true);
			if (err < 0)
				return err;
		}
		if (loop->spin_us)
			loop_gap(loop);
		loop_reap(loop);
		hooks_turn(loop);
	}
	return 0;
}

static const struct filter_rule loop_rules[] = {
	FILTER_ALLOW(eventfd2), /* by which threads wake it */
	FILTER_ALLOW(write),
};

const struct filter loop_filter = {FILTER_RULES(loop_rules)};
