// SPDX-License-Identifier: MIT
/*
 * A few threads that make calls which block, one call each at a time.  The loop alone decides who
 * does what: it owns the list of idle threads and the list of calls that wait, hands a call to a
 * thread through the thread's semaphore, and learns of its end by loop_post().  So there is no
 * mutex, and nothing here is touched by two threads at once.
 *
 * Threads are made when they are needed.  They run with all signals blocked and hold nothing but
 * the call that they are making.
 */
#include "common/offload.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/filter.h"
#include "common/log.h"

enum {
	STACK_BYTES = 256 * 1024,
};

struct offload_thread {
	struct offload_thread *next; /* idle */
	struct offload_job *job;     /* NULL, once work is posted: end */
	sem_t work;
	pthread_t id;
};

static void *offload_main(void *arg)
{
	struct offload_thread *thread = arg;

	for (;;) {
		struct offload_job *job;

		while (sem_wait(&thread->work) < 0)
			; /* EINTR */
		job = thread->job;
		if (!job)
			return NULL;
		loop_post(job->offload->loop, &job->post, job->run(job));
	}
}

static int offload_create(struct offload_thread *thread)
{
	pthread_attr_t attr;
	sigset_t all;
	int err;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setsigmask_np(&attr, &all);
	err = -pthread_create(&thread->id, &attr, offload_main, thread);
	pthread_attr_destroy(&attr);
	return err;
}

static struct offload_thread *offload_thread_new(struct offload *offload)
{
	struct offload_thread *thread = calloc(1, sizeof(*thread));
	int err = -ENOMEM;

	if (thread) {
		sem_init(&thread->work, 0, 0);
		err = offload_create(thread);
	}
	if (err < 0) {
		if (!offload->told)
			log_error("can't start a thread: %s; guests may have to wait for each "
				  "other",
				  strerror(-err));
		offload->told = true;
		free(thread);
		return NULL;
	}
	offload->threads++;
	return thread;
}

static void offload_thread_end(struct offload *offload, struct offload_thread *thread)
{
	thread->job = NULL;
	sem_post(&thread->work);
	pthread_join(thread->id, NULL);
	sem_destroy(&thread->work);
	free(thread);
	offload->threads--;
}

/* From here on the job is the thread's. */
static void offload_give(struct offload_thread *thread, struct offload_job *job)
{
	job->thread = thread;
	thread->job = job;
	sem_post(&thread->work);
}

/* An idle thread, or a new one, or NULL. */
static struct offload_thread *offload_thread_get(struct offload *offload)
{
	struct offload_thread *thread = offload->idle;

	if (thread) {
		offload->idle = thread->next;
		offload->idle_count--;
		return thread;
	}
	return offload->threads < offload->max ? offload_thread_new(offload) : NULL;
}

static void offload_thread_put(struct offload *offload, struct offload_thread *thread)
{
	struct offload_job *job = offload->waiting;

	if (job) {
		offload->waiting = job->next;
		if (!offload->waiting)
			offload->waiting_tail = &offload->waiting;
		offload_give(thread, job);
	} else if (offload->idle_count < offload->keep) {
		thread->next = offload->idle;
		offload->idle = thread;
		offload->idle_count++;
	} else {
		offload_thread_end(offload, thread);
	}
}

static void offload_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct offload_job *job = (struct offload_job *)op;

	(void)cqe_flags;
	if (job->thread)
		offload_thread_put(job->offload, job->thread);
	job->done(job, res);
}

int offload_init(struct offload *offload, struct loop *loop, uint32_t max, uint32_t keep)
{
	*offload = (struct offload){.loop = loop, .max = max, .keep = keep};
	offload->waiting_tail = &offload->waiting;
	return loop_post_open(loop);
}

bool offload_free(struct offload *offload)
{
	while (offload->idle) {
		struct offload_thread *thread = offload->idle;

		offload->idle = thread->next;
		offload_thread_end(offload, thread);
	}
	return offload->threads == 0;
}

void offload_run(struct offload *offload, struct offload_job *job)
{
	struct offload_thread *thread = offload_thread_get(offload);

	job->post.op.done = offload_done;
	job->offload = offload;
	job->thread = NULL;
	if (thread) {
		offload_give(thread, job);
	} else if (offload->threads > 0) {
		job->next = NULL;
		*offload->waiting_tail = job;
		offload->waiting_tail = &job->next;
	} else { /* no thread at all: rather late than never */
		loop_post(offload->loop, &job->post, job->run(job));
	}
}

/* Semaphores, malloc's locks and pthread_join; no other way to wait: they have a history. */
static const struct filter_rule offload_rules[] = {
	FILTER_MASK(futex, 1, (uint32_t)FUTEX_CMD_MASK, FUTEX_WAIT),
	FILTER_MASK(futex, 1, (uint32_t)FUTEX_CMD_MASK, FUTEX_WAKE),
	FILTER_MASK(futex, 1, (uint32_t)FUTEX_CMD_MASK, FUTEX_WAIT_BITSET),
};

const struct filter offload_filter = {FILTER_RULES(offload_rules)};
