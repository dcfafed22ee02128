// SPDX-License-Identifier: MIT
/*
 * The loop owns the io_uring and the polls and timers queued on it.  It never calls back while it
 * walks its own lists unguarded: hooks may delete hooks, completions may queue anything.
 *
 * Before it sleeps a busy loop spins for a moment (spin_us): sleeping and being woken costs the
 * guest a notification and us several system calls, more than the few microseconds in which a busy
 * guest's next request comes.  Whether it is worth it is measured, not assumed: gap_ns follows how
 * long the last gaps were, and a loop whose gaps are long does not spin at all.
 *
 * Deep queues are another matter: one entry of the kernel per completion would cost more than the
 * I/O.  So with many I/Os under way a turn waits for a quarter of them (loop_batch).
 *
 * With COOP_TASKRUN the kernel posts completions of a device only when we enter it, and raises
 * IORING_SQ_TASKRUN to ask for that; the spin watches this flag.  DEFER_TASKRUN would do so with
 * completions of the kernel's own threads too, which otherwise appear without an entry.
 */
#include "common/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"

enum {
	BATCH_MIN = 8,	  /* I/Os under way from which on completions are waited for in batches */
	BATCH_NS = 50000, /* and for how long */
	BATCH_REST = 64,
};

struct loop_poll {
	struct op op;
	LIST_ENTRY(loop_poll) link;
	struct loop *loop;
	int fd;
	unsigned int events;		      /* of poll(2), that it waits for */
	void (*ready)(void *arg, int events); /* NULL once deleted */
	void *arg;
};

struct loop_timer {
	struct op op;
	LIST_ENTRY(loop_timer) link;
	struct __kernel_timespec ts;
	void (*fired)(void *arg); /* NULL once deleted */
	void *arg;
};

uint64_t loop_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int loop_init(struct loop *loop, unsigned int entries)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN |
			 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE,
		.cq_entries = entries * 4,
	};
	int err;

	memset(loop, 0, sizeof(*loop));
	err = io_uring_queue_init_params(entries, &loop->ring, &params);
	if (err == -EINVAL) { /* a kernel before 6.1 */
		memset(&params, 0, sizeof(params));
		err = io_uring_queue_init_params(entries, &loop->ring, &params);
	}
	if (err < 0)
		return err;
	loop->gap_ns = UINT32_MAX;
	io_uring_register_ring_fd(&loop->ring); /* saves a lookup per entry; not needed */
	return 0;
}

void loop_free(struct loop *loop)
{
	struct loop_timer *timer;
	struct loop_poll *poll;

	io_uring_queue_exit(&loop->ring);
	while ((poll = LIST_FIRST(&loop->polls))) {
		LIST_REMOVE(poll, link);
		free(poll);
	}
	while ((timer = LIST_FIRST(&loop->timers))) {
		LIST_REMOVE(timer, link);
		free(timer);
	}
}

struct io_uring_sqe *loop_sqe(struct loop *loop, struct op *op)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&loop->ring))) {
		int err = io_uring_submit(&loop->ring);

		if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY)
			log_panic("io_uring refuses submissions: %s", strerror(-err));
	}
	/* Until the caller fills it: completes at once, and to the right op. */
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data(sqe, op);
	return sqe;
}

/* ---- polls and timers ------------------------------------------------------------------- */

static void poll_arm(struct loop_poll *poll)
{
	struct io_uring_sqe *sqe = loop_sqe(poll->loop, &poll->op);

	io_uring_prep_poll_multishot(sqe, poll->fd, poll->events);
	io_uring_sqe_set_data(sqe, &poll->op);
}

static void poll_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct loop_poll *poll = (struct loop_poll *)op;

	if (poll->ready)
		poll->ready(poll->arg, res);
	if (cqe_flags & IORING_CQE_F_MORE)
		return;
	if (poll->ready && res > 0) {
		poll_arm(poll); /* the kernel ends a multishot when its queue overflows */
		return;
	}
	LIST_REMOVE(poll, link);
	free(poll);
}

static struct loop_poll *poll_add(struct loop *loop, int fd, unsigned int events,
				  void (*ready)(void *arg, int events), void *arg)
{
	struct loop_poll *poll = malloc(sizeof(*poll));

	if (!poll)
		log_panic("out of memory");
	*poll = (struct loop_poll){.op.done = poll_done,
				   .loop = loop,
				   .fd = fd,
				   .events = events,
				   .ready = ready,
				   .arg = arg};
	LIST_INSERT_HEAD(&loop->polls, poll, link);
	poll_arm(poll);
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

static void op_ignore(struct op *op, int res, uint32_t cqe_flags)
{
	(void)op;
	(void)res;
	(void)cqe_flags;
}

static struct op ignored = {op_ignore};

void loop_poll_del(struct loop *loop, struct loop_poll *poll)
{
	struct io_uring_sqe *sqe;

	if (!poll)
		return;
	poll->ready = NULL;
	sqe = loop_sqe(loop, &ignored);
	io_uring_prep_poll_remove(sqe, (uint64_t)(uintptr_t)&poll->op);
	io_uring_sqe_set_data(sqe, &ignored);
	/* The caller may close the fd next: the kernel must hear of it first. */
	io_uring_submit(&loop->ring);
}

static void timer_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct loop_timer *timer = (struct loop_timer *)op;
	void (*fired)(void *) = timer->fired;
	void *arg = timer->arg;

	(void)res;
	(void)cqe_flags;
	LIST_REMOVE(timer, link);
	free(timer);
	if (fired)
		fired(arg);
}

struct loop_timer *loop_timer_add(struct loop *loop, uint32_t ms, void (*fired)(void *arg),
				  void *arg)
{
	struct loop_timer *timer = malloc(sizeof(*timer));
	struct io_uring_sqe *sqe;

	if (!timer)
		log_panic("out of memory");
	*timer = (struct loop_timer){
		.op.done = timer_done,
		.ts = {.tv_sec = ms / 1000, .tv_nsec = (long long)(ms % 1000) * 1000000},
		.fired = fired,
		.arg = arg,
	};
	LIST_INSERT_HEAD(&loop->timers, timer, link);
	sqe = loop_sqe(loop, &timer->op);
	io_uring_prep_timeout(sqe, &timer->ts, 0, 0);
	io_uring_sqe_set_data(sqe, &timer->op);
	return timer;
}

void loop_timer_del(struct loop *loop, struct loop_timer *timer)
{
	struct io_uring_sqe *sqe;

	if (!timer)
		return;
	timer->fired = NULL;
	sqe = loop_sqe(loop, &ignored);
	io_uring_prep_timeout_remove(sqe, (uint64_t)(uintptr_t)&timer->op, 0);
	io_uring_sqe_set_data(sqe, &ignored);
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

static bool hooks_sleep(const struct loop *loop)
{
	bool work = false;

	for (struct loop_hook *hook = loop->hooks; hook; hook = hook->next)
		work |= hook->sleep(hook);
	return work;
}

/* ---- the turn --------------------------------------------------------------------------- */

/* Runs the completions that are there. */
static bool loop_reap(struct loop *loop)
{
	struct io_uring_cqe *cqes[64];
	unsigned int n, all = 0;

	while ((n = io_uring_peek_batch_cqe(&loop->ring, cqes, 64)) > 0) {
		struct {
			struct op *op;
			int res;
			uint32_t flags;
		} done[64];

		/* Free the kernel's entries first: done() may queue, and queueing may enter it. */
		for (unsigned int i = 0; i < n; i++) {
			done[i].op = io_uring_cqe_get_data(cqes[i]);
			done[i].res = cqes[i]->res;
			done[i].flags = cqes[i]->flags;
		}
		io_uring_cq_advance(&loop->ring, n);
		for (unsigned int i = 0; i < n; i++)
			done[i].op->done(done[i].op, done[i].res, done[i].flags);
		all += n;
	}
	return all > 0;
}

static bool loop_kernel_asks(const struct loop *loop)
{
	return __atomic_load_n(loop->ring.sq.kflags, __ATOMIC_RELAXED) &
	       (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

/* Looks for work for spin_us at the longest; true if there is some. */
static bool loop_spin(struct loop *loop)
{
	uint64_t limit_ns = (uint64_t)loop->spin_us * 1000;

	if (limit_ns == 0 || loop->gap_ns > limit_ns)
		return false;
	do {
		for (int i = 0; i < 32; i++) {
			if (io_uring_cq_ready(&loop->ring) || loop_kernel_asks(loop) ||
			    hooks_peek(loop))
				return true;
			__builtin_ia32_pause();
		}
	} while (loop_now_ns() - loop->asleep_ns < limit_ns);
	return false;
}

/* What entering the kernel gave: only what no later entry can mend is an error. */
static int loop_enter_error(int n)
{
	return n < 0 && n != -EINTR && n != -EAGAIN && n != -EBUSY && n != -ETIME ? n : 0;
}

/* Submits what is queued and waits, or not, for a completion. */
static int loop_enter(struct loop *loop, bool wait)
{
	int n;

	if (wait)
		n = io_uring_submit_and_wait(&loop->ring, 1);
	else if (io_uring_sq_ready(&loop->ring) || loop_kernel_asks(loop))
		n = io_uring_submit_and_get_events(&loop->ring);
	else
		return 0;
	return loop_enter_error(n);
}

/*
 * The turn with many I/Os under way enters the kernel once, to submit and to wait: for a quarter of
 * them, but only for a moment, in which the guest need not be asked for notifications.  Where none
 * comes in that time this is left for a while, and the loop sleeps as ever.
 */
static int loop_batch(struct loop *loop)
{
	struct __kernel_timespec limit = {.tv_nsec = BATCH_NS};
	struct io_uring_cqe *cqe;
	int n;

	if (hooks_peek(loop))
		hooks_turn(loop); /* more for this entry to submit */
	if (loop->batch_rest > 0) {
		loop->batch_rest--;
		return loop_enter(loop, !hooks_sleep(loop));
	}
	n = io_uring_submit_and_wait_timeout(&loop->ring, &cqe, loop->io / 4, &limit, NULL);
	if (!io_uring_cq_ready(&loop->ring))
		loop->batch_rest = BATCH_REST;
	return loop_enter_error(n);
}

/* Follows how long the gaps are: one long gap forgets fast, a short one counts an eighth. */
static void loop_gap(struct loop *loop)
{
	uint64_t gap = loop_now_ns() - loop->asleep_ns;

	if (gap > UINT32_MAX)
		gap = UINT32_MAX;
	loop->gap_ns = loop->gap_ns - loop->gap_ns / 8 + gap / 8;
}

int loop_run(struct loop *loop)
{
	while (!loop->stop) {
		int err = loop->io >= BATCH_MIN ? loop_batch(loop) : loop_enter(loop, false);

		if (err < 0)
			return err;
		if (loop_reap(loop) || hooks_peek(loop)) {
			hooks_turn(loop);
			continue;
		}
		if (loop->spin_us)
			loop->asleep_ns = loop_now_ns();
		if (!loop_spin(loop) && !hooks_sleep(loop)) {
			err = loop_enter(loop, true);
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
