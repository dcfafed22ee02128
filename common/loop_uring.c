// SPDX-License-Identifier: MIT
/*
 * The loop on one io_uring: what is queued and what has completed cost one entry of the kernel
 * together.
 *
 * With COOP_TASKRUN the kernel posts completions of a device only when we enter it, and raises
 * IORING_SQ_TASKRUN to ask for that; the spin watches this flag.  DEFER_TASKRUN would do so with
 * completions of the kernel's own threads too, which otherwise appear without an entry.
 *
 * io_uring does by operations what a seccomp filter forbids as system calls: open, connect, send.
 * So a confined loop's ring is restricted to the operations that are used.  That is done while it
 * is disabled still; the thread that enables it becomes the only one that may submit.
 */
#include "common/loop_way.h"

#include <errno.h>
#include <string.h>

#include "common/filter.h"
#include "common/log.h"

enum {
	REAP_MAX = 256 /* completions; then the turn goes on */
};

static int uring_init(struct loop *loop, unsigned int entries, const struct filter *const *filters)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
			 IORING_SETUP_CQSIZE,
		.cq_entries = entries * 4,
	};
	int err;

	err = io_uring_queue_init_params(entries, &loop->ring, &params);
	if (err == -EINVAL) { /* a kernel before 6.1 */
		params = (struct io_uring_params){.flags = IORING_SETUP_R_DISABLED};
		err = io_uring_queue_init_params(entries, &loop->ring, &params);
	}
	if (err < 0 || !filters)
		return err;
	err = filter_ring(&loop->ring, filters);
	if (err < 0)
		io_uring_queue_exit(&loop->ring);
	return err;
}

static int uring_begin(struct loop *loop)
{
	/* Saves a lookup per entry; not needed.  A restricted ring takes it only before. */
	io_uring_register_ring_fd(&loop->ring);
	/* liburing 2.3 has a function for it, but does not export it. */
	return io_uring_register((unsigned int)loop->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS,
				 NULL, 0);
}

static void uring_free(struct loop *loop)
{
	io_uring_queue_exit(&loop->ring);
}

void loop_submit(struct loop *loop)
{
	int err = io_uring_submit(&loop->ring);

	if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY)
		log_panic("io_uring refuses submissions: %s", strerror(-err));
}

struct io_uring_sqe *loop_sqe(struct loop *loop, struct op *op)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&loop->ring)))
		loop_submit(loop);
	/* Until the caller fills it: completes at once, and to the right op. */
	io_uring_prep_nop(sqe);
	io_uring_sqe_set_data(sqe, op);
	return sqe;
}

/* ---- polls and timers ------------------------------------------------------------------- */

static void uring_poll_arm(struct loop_poll *poll);
static void uring_poll_disarm(struct loop_poll *poll);

static void uring_poll_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct loop_poll *poll = (struct loop_poll *)op;
	bool deleted = !poll->ready;

	if (!deleted)
		poll->ready(poll->arg, res);
	if (cqe_flags & IORING_CQE_F_MORE) {
		/* It was just being told when it was to end, and did not (-EALREADY). */
		if (deleted)
			uring_poll_disarm(poll);
		return;
	}
	if (poll->ready && res > 0) {
		uring_poll_arm(poll); /* the kernel ends a multishot when its queue overflows */
		return;
	}
	loop_poll_free(poll);
}

static void uring_poll_arm(struct loop_poll *poll)
{
	struct io_uring_sqe *sqe = loop_sqe(poll->loop, &poll->op);

	poll->op.done = uring_poll_done;
	io_uring_prep_poll_multishot(sqe, poll->fd, poll->events);
	io_uring_sqe_set_data(sqe, &poll->op);
}

static void op_ignore(struct op *op, int res, uint32_t cqe_flags)
{
	(void)op;
	(void)res;
	(void)cqe_flags;
}

static struct op ignored = {op_ignore};

static void uring_poll_disarm(struct loop_poll *poll)
{
	struct io_uring_sqe *sqe = loop_sqe(poll->loop, &ignored);

	io_uring_prep_poll_remove(sqe, (uint64_t)(uintptr_t)&poll->op);
	io_uring_sqe_set_data(sqe, &ignored);
	/* The caller may close the fd next: the kernel must hear of it first. */
	io_uring_submit(&poll->loop->ring);
}

static void uring_timer_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct loop_timer *timer = (struct loop_timer *)op;
	void (*fired)(void *) = timer->fired;
	void *arg = timer->arg;

	(void)res;
	(void)cqe_flags;
	loop_timer_free(timer);
	if (fired)
		fired(arg);
}

static void uring_timer_arm(struct loop *loop, struct loop_timer *timer)
{
	struct io_uring_sqe *sqe = loop_sqe(loop, &timer->op);

	timer->op.done = uring_timer_done;
	io_uring_prep_timeout(sqe, &timer->ts, 0, 0);
	io_uring_sqe_set_data(sqe, &timer->op);
}

static void uring_timer_disarm(struct loop *loop, struct loop_timer *timer)
{
	struct io_uring_sqe *sqe = loop_sqe(loop, &ignored);

	io_uring_prep_timeout_remove(sqe, (uint64_t)(uintptr_t)&timer->op, 0);
	io_uring_sqe_set_data(sqe, &ignored);
}

/* ---- the turn --------------------------------------------------------------------------- */

/* As many as are there, but not for ever: done() may make the next one complete at once. */
static bool uring_reap(struct loop *loop)
{
	struct io_uring_cqe *cqes[64];
	unsigned int n, all = 0;

	while (all < REAP_MAX && (n = io_uring_peek_batch_cqe(&loop->ring, cqes, 64)) > 0) {
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

static bool uring_kernel_asks(const struct loop *loop)
{
	return __atomic_load_n(loop->ring.sq.kflags, __ATOMIC_RELAXED) &
	       (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

static bool uring_peek(const struct loop *loop)
{
	return io_uring_cq_ready(&loop->ring) || uring_kernel_asks(loop);
}

/* What entering the kernel gave: only what no later entry can mend is an error. */
static int uring_error(int n)
{
	return n < 0 && n != -EINTR && n != -EAGAIN && n != -EBUSY && n != -ETIME ? n : 0;
}

static int uring_enter(struct loop *loop, bool wait)
{
	int n;

	if (wait)
		n = io_uring_submit_and_wait(&loop->ring, 1);
	else if (io_uring_sq_ready(&loop->ring) || uring_kernel_asks(loop))
		n = io_uring_submit_and_get_events(&loop->ring);
	else
		return 0;
	return uring_error(n);
}

static int uring_enter_many(struct loop *loop, unsigned int n, long ns)
{
	struct __kernel_timespec limit = {.tv_nsec = ns};
	struct io_uring_cqe *cqe;
	int err;

	err = uring_error(io_uring_submit_and_wait_timeout(&loop->ring, &cqe, n, &limit, NULL));
	return err < 0 ? err : io_uring_cq_ready(&loop->ring) > 0;
}

const struct loop_ops loop_uring = {
	.init = uring_init,
	.begin = uring_begin,
	.free = uring_free,
	.enter = uring_enter,
	.enter_many = uring_enter_many,
	.peek = uring_peek,
	.reap = uring_reap,
	.poll_arm = uring_poll_arm,
	.timer_arm = uring_timer_arm,
	.poll_disarm = uring_poll_disarm,
	.timer_disarm = uring_timer_disarm,
};

/* No io_uring_setup: a ring that is made now would not be restricted. */
static const struct filter_rule uring_rules[] = {
	FILTER_ALLOW(io_uring_enter),
	FILTER_INT(io_uring_register, 1, IORING_REGISTER_RING_FDS),
	FILTER_INT(io_uring_register, 1, IORING_REGISTER_ENABLE_RINGS),
};

static const uint8_t uring_ops[] = {
	IORING_OP_NOP,	   IORING_OP_POLL_ADD,	     IORING_OP_POLL_REMOVE,
	IORING_OP_TIMEOUT, IORING_OP_TIMEOUT_REMOVE,
};

const struct filter loop_uring_filter = {FILTER_RULES(uring_rules), FILTER_OPS(uring_ops)};
