/* SPDX-License-Identifier: MIT */
/* Threads for what would block a loop: calls on a store that may hang.  See offload.c. */
#ifndef COMMON_OFFLOAD_H
#define COMMON_OFFLOAD_H

#include <stdbool.h>

#include "common/loop.h"

/*
 * One call.  Embedded in whatever wants it made; from offload_run() until done() it is the
 * thread's, with all that run() touches.
 */
struct offload_job {
	struct loop_post post;				/* first */
	int (*run)(struct offload_job *job);		/* in a thread; may block */
	void (*done)(struct offload_job *job, int res); /* in the loop, with what run() gave */
	struct offload_thread *thread;
	struct offload *offload;
	struct offload_job *next;
};

/* Owned by who has calls to make; belongs to one loop. */
struct offload {
	struct loop *loop;
	uint32_t max;  /* threads at once; more calls wait their turn */
	uint32_t keep; /* of them, how many stay when there is nothing to do */
	uint32_t threads;
	uint32_t idle_count;
	struct offload_thread *idle;
	struct offload_job *waiting, **waiting_tail;
	bool told; /* that no thread is to be had */
};

/* No thread is made before the first call.  0 or -errno. */
int offload_init(struct offload *offload, struct loop *loop, uint32_t max, uint32_t keep);
/* Ends the idle threads.  True if that is all; else some still make calls and use the loop. */
bool offload_free(struct offload *offload);
/* Has job->run(job) called; job->done() comes from the loop, never from here. */
void offload_run(struct offload *offload, struct offload_job *job);

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter offload_filter;

#endif
