/* SPDX-License-Identifier: MIT */
/* The frame of a worker process: one guest, its threads and their loops.  See worker.c. */
#ifndef COMMON_WORKER_H
#define COMMON_WORKER_H

#include <stdint.h>

#include "common/chan.h"
#include "common/thread.h"

enum {
	WORKER_CHAN = 3
}; /* the channel's descriptor, as the supervisor leaves it */

/* All but the threads is for the main thread only. */
struct worker {
	struct thread threads[THREADS_MAX]; /* the first is the main one, the rest may not run */
	uint32_t thread_count;
	struct loop_poll *chan_poll;
	const struct worker_ops *ops;
	void *devices; /* the backend's list */
	bool quitting; /* leave when the last device is closed */
};

/* What a backend does in its workers, on the main thread. */
struct worker_ops {
	/* Opens what the sandbox will refuse; NULL: nothing.  0 or -errno, which it says itself. */
	int (*open)(struct worker *worker, uint16_t domid);
	/* Serves a device; answers with worker_answer(CHAN_CONNECTED or CHAN_FAILED). Owns the fds.
	 */
	void (*connect)(struct worker *worker, struct chan_msg *msg);
	/* Serves it otherwise from now on.  It may be gone meanwhile. */
	void (*tune)(struct worker *worker, const struct chan_msg *msg);
	/* Finishes what is under way, lets go of the device, then answers CHAN_CLOSED. */
	void (*close)(struct worker *worker, uint32_t devid);
	/* The device has another size from now on; answers CHAN_RESIZED. */
	void (*resize)(struct worker *worker, const struct chan_msg *msg);
	/* As close(), for all, with nobody to answer. */
	void (*close_all)(struct worker *worker);
	/* What all this asks of the kernel, by `enum loop_way`; filter.h. */
	const struct filter *const *filters[2];
};

/*
 * Runs a worker to its end, as guest_worker() started it:
 * DAEMON --worker DOMID UID POLL_US THREADS uring|epoll [-v].  Gives the process's exit status.
 */
int worker_main(const struct worker_ops *ops, int argc, char **argv);

/* Tells the supervisor about a device.  `text` may be NULL. */
void worker_answer(enum chan_type type, uint32_t devid, uint32_t serial, const char *text);

/*
 * A thread for one more ring: the one with the fewest, started if it does not run yet.  It counts
 * the ring until worker_thread_put().  On the main thread, as all of these.
 */
struct thread *worker_thread_get(struct worker *worker);
void worker_thread_put(struct thread *thread);

/* A device is gone: the worker ends if that was asked and it was the last. */
void worker_device_gone(struct worker *worker);

#endif
