/* SPDX-License-Identifier: MIT */
/*
 * A thread of a worker: one loop, with its own handles to the grant and event channel devices, so
 * that threads share nothing on the data path.  See thread.c.
 */
#ifndef COMMON_THREAD_H
#define COMMON_THREAD_H

#include <stdint.h>

#include <xengnttab.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/port.h"

enum {
	THREADS_MAX = 16 /* of a worker */
};

/* Owned by its worker.  All but thread_call() is for the thread itself, once it runs. */
struct thread {
	struct loop loop;
	xengnttab_handle *xgt;
	struct port_set ports;
	/* Of lines that the guest causes: a new connection gives no new budget. */
	struct log_limit limit;
	struct loop_poll *inbox_poll;
	int inbox[2];	/* a pipe of calls */
	uint32_t load;	/* the main thread's: how many rings it was given */
	bool running;	/* the main thread's */
	uint16_t domid; /* of the guest */
};

/*
 * Opens what the sandbox would refuse later: the devices, and the loop's io_uring, which will do no
 * more than `filters` name (filter.h).  0 or -errno; says itself what failed.
 */
int thread_open(struct thread *thread, uint16_t domid, enum loop_way way,
		const struct filter *const *filters);

/* Makes the loop the calling thread's, listening to its ports and calls.  0 or -errno. */
int thread_begin(struct thread *thread);

/* Starts a thread of the process that runs the loop; does nothing if it runs.  0 or -errno. */
int thread_start(struct thread *thread);

/*
 * Has `thread` call call(arg), soon, from its loop.  Calls of one thread to another are made in
 * order.  From any thread, to any that runs; for the control path: it is a system call.
 */
void thread_call(struct thread *thread, void (*call)(void *arg), void *arg);

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter thread_filter;

#endif
