// SPDX-License-Identifier: MIT
/*
 * Calls that block are made by threads, not more of them than allowed, and end in the loop; in both
 * of the loop's ways to wait.
 */
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/offload.h"
#include "tests/unit/bothways.h"

enum {
	JOBS = 100,
	MAX = 3,
	KEEP = 1,
};

struct fixture {
	struct loop loop;
	struct offload offload;
	pthread_t main;
	sem_t hang;
	uint32_t running, most, made, done, others;
};

struct counted_job {
	struct offload_job job; /* first */
	struct fixture *f;
	int number;
};

static uint32_t threads_of_process(void)
{
	DIR *dir = opendir("/proc/self/task");
	uint32_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

/* One that was joined may be seen for a moment longer. */
static bool offload_has_threads(const struct fixture *f, uint32_t count)
{
	for (int i = 0; i < 1000; i++) {
		if (threads_of_process() == f->others + count)
			return f->offload.threads == count;
		usleep(1000);
	}
	return false;
}

static int setup(void **state, enum loop_way way)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.main = pthread_self();
	f.others = threads_of_process();
	sem_init(&f.hang, 0, 0);
	assert_int_equal(loop_init(&f.loop, 8, way), 0);
	assert_int_equal(offload_init(&f.offload, &f.loop, MAX, KEEP), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_true(offload_free(&f->offload));
	loop_free(&f->loop);
	assert_true(offload_has_threads(f, 0));
	return 0;
}

/* Cheap, but long enough for others to be given out meanwhile. */
static int run_counted(struct offload_job *job)
{
	struct counted_job *counted = (struct counted_job *)job;
	struct fixture *f = counted->f;
	uint32_t now = __atomic_add_fetch(&f->running, 1, __ATOMIC_RELAXED);
	uint32_t most = __atomic_load_n(&f->most, __ATOMIC_RELAXED);

	while (now > most && !__atomic_compare_exchange_n(&f->most, &most, now, false,
							  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	for (int i = 0; i < 1000; i++)
		__atomic_add_fetch(&f->made, 0, __ATOMIC_RELAXED);
	__atomic_add_fetch(&f->made, !pthread_equal(pthread_self(), f->main), __ATOMIC_RELAXED);
	__atomic_sub_fetch(&f->running, 1, __ATOMIC_RELAXED);
	return counted->number;
}

static void done_counted(struct offload_job *job, int res)
{
	struct counted_job *counted = (struct counted_job *)job;
	struct fixture *f = counted->f;

	assert_true(pthread_equal(pthread_self(), f->main));
	assert_int_equal(res, counted->number);
	if (++f->done == JOBS)
		f->loop.stop = true;
}

static void many_calls_are_made_by_few_threads(void **state)
{
	static struct counted_job jobs[JOBS];
	struct fixture *f = *state;

	memset(jobs, 0, sizeof(jobs));
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = (struct counted_job){
			.job = {.run = run_counted, .done = done_counted}, .f = f, .number = i};
		offload_run(&f->offload, &jobs[i].job);
		assert_int_equal(f->done, 0);
		assert_in_range(f->offload.threads, 1, MAX);
	}
	assert_int_equal(loop_run(&f->loop), 0);
	assert_int_equal(f->done, JOBS);
	assert_int_equal(f->made, JOBS);
	assert_in_range(f->most, 1, MAX);
	/* Who has nothing to do ends, but for a few. */
	assert_true(offload_has_threads(f, KEEP));
}

static int run_hanging(struct offload_job *job)
{
	sem_wait(&((struct counted_job *)job)->f->hang);
	return -1;
}

static void done_hanging(struct offload_job *job, int res)
{
	struct fixture *f = ((struct counted_job *)job)->f;

	assert_int_equal(res, -1);
	assert_int_equal(f->done, JOBS);
	f->loop.stop = true;
}

static void done_beside(struct offload_job *job, int res)
{
	struct counted_job *counted = (struct counted_job *)job;
	struct fixture *f = counted->f;

	(void)res;
	if (++f->done == JOBS)
		sem_post(&f->hang);
	else
		offload_run(&f->offload, job); /* again, from within its own end */
}

static void a_call_that_hangs_holds_up_no_other(void **state)
{
	struct fixture *f = *state;
	struct counted_job hanging = {.job = {.run = run_hanging, .done = done_hanging}, .f = f};
	struct counted_job beside = {.job = {.run = run_counted, .done = done_beside}, .f = f};

	offload_run(&f->offload, &hanging.job);
	offload_run(&f->offload, &beside.job);
	assert_int_equal(loop_run(&f->loop), 0);
	assert_int_equal(f->done, JOBS);
}

static void *nothing(void *arg)
{
	return arg;
}

/* ThreadSanitizer starts a thread of its own with the first one. */
static int settle(void **state)
{
	pthread_t id;

	(void)state;
	return pthread_create(&id, NULL, nothing, NULL) || pthread_join(id, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(many_calls_are_made_by_few_threads),
		BOTH(a_call_that_hangs_holds_up_no_other),
	};

	return cmocka_run_group_tests(tests, settle, NULL);
}
