/* SPDX-License-Identifier: MIT */
/*
 * One event loop, for one thread.
 *
 * Everything that can happen is a completion: I/O, a readable descriptor, a timer, something that
 * another thread did for us.  A turn of the loop is: wait, run the completions, run the hooks,
 * submit what they queued.  Nothing else wakes it: an idle process makes no system call.
 *
 * A loop waits in one of two ways, chosen at its start: on an io_uring, or, where that is
 * forbidden, on an epoll.  Who uses polls, timers, posts and hooks sees no difference; what queues
 * I/O is for one of them: loop_sqe() here, aio_queue() in aio.h.
 */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* One operation under way.  Embedded in whatever wants the answer; must stay put until done(). */
struct op {
	void (*done)(struct op *op, int res, uint32_t cqe_flags);
};

/* Work of every turn.  Owned by the caller; linked until loop_hook_del(). */
struct loop_hook {
	/* After the completions of a turn; may queue operations. */
	void (*turn)(struct loop_hook *hook);
	/* A cheap look while the loop spins: is there new work for turn()? */
	bool (*peek)(struct loop_hook *hook);
	/*
	 * The loop is about to sleep: ask the peer to wake us; true if work came meanwhile.  A hook
	 * that will hear of its next work may leave here, and be added again then: a loop of many
	 * hooks looks at those only that have something to do.
	 */
	bool (*sleep)(struct loop_hook *hook);
	struct loop_hook *next;
};

/* An operation that another thread completes: the thread's until loop_post(), then the loop's. */
struct loop_post {
	struct op op; /* first */
	struct loop_post *next;
	int res;
};

enum loop_way {
	LOOP_URING,
	LOOP_EPOLL
};

/* Both are owned by the loop: freed when they have completed for the last time, or with it. */
struct loop_poll;
struct loop_timer;

struct loop {
	const struct loop_ops *ops; /* the way it waits; loop_way.h */
	enum loop_way way;
	struct io_uring ring;	  /* LOOP_URING's */
	struct loop_epoll *epoll; /* LOOP_EPOLL's */
	struct aio *aio;	  /* the same, once somebody wants it: aio.h */
	int aio_error;		  /* why it can't be had */
	LIST_HEAD(, loop_poll) polls;
	LIST_HEAD(, loop_timer) timers;
	struct loop_hook *hooks;
	struct loop_hook *hook_next; /* the walk's next hook, so that a hook may delete any hook */
	bool stop;
	uint32_t io;	     /* disk I/Os under way; who queues them counts them */
	uint32_t batch_rest; /* turns that sleep instead, since no completion came in time */
	uint32_t spin_us;    /* how long at most to look for work before sleeping; 0 = never */
	uint64_t gap_ns;     /* smoothed time from the end of one work to the start of the next */
	uint64_t asleep_ns;  /* when the last work ended */
	uint32_t spin_naps;  /* sleeps since it last tried whether spinning pays off */
	uint32_t spin_every; /* sleeps between two such tries */
	struct loop_post *posted; /* by any thread, last first */
	bool drowsy;		  /* who posts has to wake us */
	int wake_fd;		  /* -1: nobody posts */
};

/*
 * 0 or -errno; LOOP_URING fails where io_uring is forbidden.  `entries` bounds what is queued
 * before the kernel is entered early.
 */
int loop_init(struct loop *loop, unsigned int entries, enum loop_way way);
/*
 * The same in two steps, with the sandbox closing between them.  loop_prepare() makes a loop whose
 * io_uring can do no more than `filters` name (filter.h); loop_begin() is for the thread that will
 * run it, before anything else is done with it.  0 or -errno, both.
 */
struct filter;
int loop_prepare(struct loop *loop, unsigned int entries, enum loop_way way,
		 const struct filter *const *filters);
int loop_begin(struct loop *loop);
/* After the last thread that could post has ended. */
void loop_free(struct loop *loop);
/* Runs until loop->stop.  0, or -errno if the waiting itself failed. */
int loop_run(struct loop *loop);

/*
 * A submission entry that completes to `op`; never NULL (enters the kernel if the queue is full).
 * LOOP_URING only.
 */
struct io_uring_sqe *loop_sqe(struct loop *loop, struct op *op);

/* Has the kernel start what is queued, before the turn ends.  LOOP_URING only. */
void loop_submit(struct loop *loop);

/*
 * Calls ready(arg, events) whenever `fd` becomes readable (or is closed by its peer), until
 * deleted.  It is told once, so ready() takes all that is there.  `events` are those of poll(2), or
 * -errno.  The fd stays the caller's.
 */
struct loop_poll *loop_poll_add(struct loop *loop, int fd, void (*ready)(void *arg, int events),
				void *arg);
/* The same for a writable fd: to be deleted as soon as there is nothing left to write. */
struct loop_poll *loop_poll_add_out(struct loop *loop, int fd, void (*ready)(void *arg, int events),
				    void *arg);
/* ready() is not called again.  The caller may close the fd. NULL is fine. */
void loop_poll_del(struct loop *loop, struct loop_poll *poll);

/* Calls fired(arg) once, `ms` milliseconds from now. */
struct loop_timer *loop_timer_add(struct loop *loop, uint32_t ms, void (*fired)(void *arg),
				  void *arg);
/* Takes back a timer that has not fired.  NULL is fine. */
void loop_timer_del(struct loop *loop, struct loop_timer *timer);

void loop_hook_add(struct loop *loop, struct loop_hook *hook);
void loop_hook_del(struct loop *loop, struct loop_hook *hook);

/* Lets threads post to the loop from now on.  Fine if they may already.  0 or -errno. */
int loop_post_open(struct loop *loop);
/* From any thread: the loop will call post->op.done() with `res`, first posted first. */
void loop_post(struct loop *loop, struct loop_post *post, int res);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t loop_now_ns(void);

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter loop_filter;

#endif
