// SPDX-License-Identifier: MIT
/*
 * A worker is one thread until a guest has more rings than one; then each further ring gets a
 * thread of its own, as far as there are any.  Threads own what they serve and share none of it:
 * there is no lock.  What one has to ask of another goes through the other's inbox, a pipe that
 * carries calls: a write of less than PIPE_BUF bytes is atomic (pipe(7)).
 *
 * The devices are opened for all threads at once, before the sandbox takes away the paths, and each
 * handle is restricted to the guest then, since a captured thread reaches those of all; a thread
 * itself starts when it is needed first and then stays.
 */
#include "common/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "common/filter.h"

struct call {
	void (*call)(void *arg);
	void *arg;
};

static int thread_open_loop(struct thread *thread, enum loop_way way,
			    const struct filter *const *filters)
{
	int err = loop_prepare(&thread->loop, 256, way, filters);

	if (err < 0)
		log_error("can't wait for I/O by %s: %s; %s",
			  way == LOOP_URING ? "io_uring" : "epoll", strerror(-err),
			  way == LOOP_URING ? "start its daemon with --no-io-uring"
					    : "is the system out of files?");
	return err;
}

static int thread_open_ports(struct thread *thread)
{
	int err = port_set_open(&thread->ports);

	if (err < 0) {
		log_error("can't open the event channel device: %s; is xen-evtchn loaded?",
			  strerror(-err));
		return err;
	}
	err = port_set_restrict(&thread->ports, thread->domid);
	if (err < 0)
		log_error("can't restrict the event channels to guest %u: %s", thread->domid,
			  strerror(-err));
	return err;
}

int thread_open(struct thread *thread, uint16_t domid, enum loop_way way,
		const struct filter *const *filters)
{
	int err;

	memset(thread, 0, sizeof(*thread));
	thread->domid = domid;
	thread->xgt = xengnttab_open(NULL, 0);
	if (!thread->xgt) {
		err = -errno;
		log_error("can't open the grant device: %s; is xen-gntdev loaded?", strerror(-err));
		return err;
	}
	err = thread_open_ports(thread);
	if (err == 0)
		err = thread_open_loop(thread, way, filters);
	if (err < 0)
		return err;
	if (pipe2(thread->inbox, O_CLOEXEC | O_NONBLOCK) == 0)
		return 0;
	err = -errno;
	log_error("can't make a pipe: %s", strerror(-err));
	return err;
}

static void inbox_ready(void *arg, int events)
{
	struct thread *thread = arg;
	struct call call;

	(void)events;
	while (read(thread->inbox[0], &call, sizeof(call)) == sizeof(call))
		call.call(call.arg);
}

int thread_begin(struct thread *thread)
{
	int err = loop_begin(&thread->loop);

	if (err < 0)
		return err;
	thread->inbox_poll = loop_poll_add(&thread->loop, thread->inbox[0], inbox_ready, thread);
	port_set_start(&thread->ports, &thread->loop);
	return 0;
}

static void *thread_main(void *arg)
{
	struct thread *thread = arg;
	int err = thread_begin(thread);

	if (err == 0)
		err = loop_run(&thread->loop);
	log_panic("a thread's loop failed: %s", strerror(-err));
}

int thread_start(struct thread *thread)
{
	pthread_t id;
	int err;

	if (thread->running)
		return 0;
	err = pthread_create(&id, NULL, thread_main, thread);
	if (err != 0)
		return -err;
	pthread_detach(id);
	thread->running = true;
	return 0;
}

void thread_call(struct thread *thread, void (*call)(void *arg), void *arg)
{
	const struct call message = {call, arg};

	/* The pipe holds thousands; a device has a few under way. */
	if (write(thread->inbox[1], &message, sizeof(message)) != sizeof(message))
		log_panic("a thread does not take its calls");
}

/*
 * Threads, as glibc makes them, and no processes: clone's flags are all that has to be there.
 * clone3, whose flags no filter can see, is a call that this kernel has not got.
 */
enum {
	THREAD_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND |
		       CLONE_THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
};

static const struct filter_rule thread_rules[] = {
	FILTER_MASK(clone, 0, UINT64_MAX, THREAD_FLAGS),
	FILTER_FAIL(clone3, ENOSYS),
	FILTER_ALLOW(set_robust_list),
	FILTER_ALLOW(rseq),
	FILTER_ALLOW(sched_getaffinity), /* malloc, to decide how many arenas there shall be */
	FILTER_ALLOW(read),		 /* the inbox */
	FILTER_ALLOW(write),
};

const struct filter thread_filter = {FILTER_RULES(thread_rules)};
