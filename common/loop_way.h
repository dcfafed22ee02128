/* SPDX-License-Identifier: MIT */
/* What loop.c asks of a way to wait: loop_uring.c and loop_epoll.c.  For these files alone. */
#ifndef COMMON_LOOP_WAY_H
#define COMMON_LOOP_WAY_H

#include "common/loop.h"

struct loop_poll {
	struct op op; /* first */
	LIST_ENTRY(loop_poll) link;
	struct loop *loop;
	int fd;
	int own_fd;			      /* LOOP_EPOLL's; -1: none */
	unsigned int events;		      /* of poll(2), that it waits for */
	void (*ready)(void *arg, int events); /* NULL once deleted */
	void *arg;
};

struct loop_timer {
	struct op op; /* first */
	LIST_ENTRY(loop_timer) link;
	struct __kernel_timespec ts; /* LOOP_URING: from when it was made */
	uint64_t due_ns;	     /* LOOP_EPOLL: of CLOCK_MONOTONIC */
	void (*fired)(void *arg);    /* NULL once deleted */
	void *arg;
};

/* All but init() and free() are called from the loop's thread, each at most a few times a turn. */
struct loop_ops {
	/* With filters: what it waits on does no more than these name, and nothing until begin().
	 */
	int (*init)(struct loop *loop, unsigned int entries, const struct filter *const *filters);
	int (*begin)(struct loop *loop);
	void (*free)(struct loop *loop);
	/* Submits what is queued and waits, or not, until something completes.  0 or -errno. */
	int (*enter)(struct loop *loop, bool wait);
	/*
	 * Submits what is queued and waits for `n` I/Os, `ns` nanoseconds at most.  1 if something
	 * completed, 0 if nothing did, or -errno.
	 */
	int (*enter_many)(struct loop *loop, unsigned int n, long ns);
	/* Did something complete, or does the kernel want to be entered?  No system call. */
	bool (*peek)(const struct loop *loop);
	/* Runs the completions that are there; false if there is none. */
	bool (*reap)(struct loop *loop);
	/* Fresh ones, on the loop's lists. */
	void (*poll_arm)(struct loop_poll *poll);
	void (*timer_arm)(struct loop *loop, struct loop_timer *timer);
	/* Deleted ones; freed by this or later.  The kernel has let go of the fd at once. */
	void (*poll_disarm)(struct loop_poll *poll);
	void (*timer_disarm)(struct loop *loop, struct loop_timer *timer);
};

extern const struct loop_ops loop_uring, loop_epoll;

void loop_poll_free(struct loop_poll *poll);
void loop_timer_free(struct loop_timer *timer);

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter loop_uring_filter, loop_epoll_filter;

#endif
