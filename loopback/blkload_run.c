// SPDX-License-Identifier: MIT
/*
 * blkload's load as a whole: a thread for each queue, and what they did, added up.
 *
 * Each queue has a part of the disk of its own, so that no block is in flight twice and they share
 * nothing while they run.  Processor time is the process's, over all of its threads.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "loopback/blkload_run.h"

uint64_t load_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static double cpu_now(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1e-6;
}

/* Of a thread that may be running. */
static uint64_t counted(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void load_progress(const struct load *load, uint64_t *last)
{
	uint64_t now = load_clock(), ios = 0, bytes = 0, wrong = 0;

	if (now - *last < 500000000U)
		return;
	*last = now;
	for (unsigned int i = 0; i < load->queues; i++) {
		const struct load_result *r = &load->run[i].result;

		ios += counted(&r->read.ios) + counted(&r->write.ios);
		bytes += counted(&r->read.bytes) + counted(&r->write.bytes);
		wrong += counted(&r->errors) + counted(&r->verify_errors);
	}
	report_progress(ios, bytes, wrong, (double)(now - load->begin) * 1e-9);
}

/* ---- adding up ---------------------------------------------------------------------------- */

static void front_add(struct blkfront_stats *to, const struct blkfront_stats *from)
{
	to->requests += from->requests;
	to->indirect += from->indirect;
	to->responses += from->responses;
	to->pushes += from->pushes;
	to->notifies += from->notifies;
	to->sleeps += from->sleeps;
	to->wakes += from->wakes;
}

static void dir_add(struct load_dir *to, const struct load_dir *from)
{
	to->ios += from->ios;
	to->bytes += from->bytes;
	histogram_merge(&to->latency, &from->latency);
}

static void result_add(struct load_result *to, const struct load_result *from)
{
	dir_add(&to->read, &from->read);
	dir_add(&to->write, &from->write);
	to->flushes += from->flushes;
	to->errors += from->errors;
	to->verified += from->verified;
	to->verify_errors += from->verify_errors;
}

/* ---- a phase ------------------------------------------------------------------------------ */

static void *phase_thread(void *run)
{
	run_phase(run);
	return NULL;
}

static void phase_begin(struct load *load)
{
	load->begin = load_clock();
	for (unsigned int i = 0; i < load->queues; i++) {
		struct run *run = &load->run[i];

		run->started = run->next = 0;
		run->begin = load->begin;
		if (run->o->runtime > 0)
			run->end = run->begin + (uint64_t)(run->o->runtime * 1e9);
	}
}

/* The first queue is this thread's.  0, or the first error that ended a queue. */
static int phase_all(struct load *load)
{
	unsigned int threads = 1;
	int err = 0;

	phase_begin(load);
	for (; threads < load->queues; threads++) {
		struct run *run = &load->run[threads];

		if (pthread_create(&run->thread, NULL, phase_thread, run)) {
			fprintf(stderr, "blkload: cannot make a thread for each of %u queues\n",
				load->queues);
			__atomic_store_n(&load_stop, 1, __ATOMIC_RELAXED);
			err = -EAGAIN;
			break;
		}
	}
	run_phase(&load->run[0]);
	for (unsigned int i = 1; i < threads; i++)
		pthread_join(load->run[i].thread, NULL);
	for (unsigned int i = 0; i < load->queues && !err; i++)
		err = load->run[i].err;
	return err;
}

static int phases(struct load *load, struct load_result *result)
{
	double cpu = cpu_now();
	int err = phase_all(load);

	result->cpu_seconds = cpu_now() - cpu;
	for (unsigned int i = 0; i < load->queues; i++) {
		struct run *run = &load->run[i];
		double seconds = (double)(run->ended - load->begin + 1) * 1e-9;

		if (run->ended && seconds > result->seconds)
			result->seconds = seconds;
		front_add(&result->front, blkfront_stats(run->queue));
		run->readback = true;
	}
	return err || !load->run[0].tag ? err : phase_all(load);
}

/* ---- setting up --------------------------------------------------------------------------- */

/* Share @i of @all things that @n queues have. */
static uint64_t share(uint64_t all, unsigned int i, unsigned int n)
{
	return all / n + (i < all % n);
}

static int run_prepare(struct load *load, unsigned int i, const struct load_opts *o)
{
	struct run *run = &load->run[i];

	run->load = load;
	run->queue = blkfront_queue(load->bf, i);
	run->o = o;
	run->first = i ? run[-1].first + run[-1].blocks : 0;
	run->blocks = share(o->size / o->bs, i, load->queues);
	run->ios = share(o->ios, i, load->queues);
	run->rng = (o->seed + i * 0x632be59bd9b4e019U) * 0x9e3779b97f4a7c15U + 0x1234567;
	return run_init(run);
}

static void load_free(struct load *load)
{
	for (unsigned int i = 0; load->run && i < load->queues; i++)
		run_free(&load->run[i]);
	free(load->run);
	if (load->gaps)
		fclose(load->gaps);
}

int load_run(struct blkfront *bf, const struct load_opts *o, struct load_result *result)
{
	struct load load = {.bf = bf, .queues = blkfront_info(bf)->queues};
	int err = -ENOMEM;

	if (o->gaps) {
		load.gaps = fopen(o->gaps, "we");
		if (!load.gaps) {
			err = -errno;
			fprintf(stderr, "blkload: can't write %s: %s\n", o->gaps, strerror(-err));
			return err;
		}
	}
	load.run = calloc(load.queues, sizeof(*load.run));
	if (load.run)
		err = 0;
	for (unsigned int i = 0; i < load.queues && !err; i++)
		err = run_prepare(&load, i, o);
	if (err) {
		fprintf(stderr, "blkload: not enough memory for this --qd, --bs and --size\n");
	} else {
		err = phases(&load, result);
		for (unsigned int i = 0; i < load.queues; i++)
			result_add(result, &load.run[i].result);
	}
	load_free(&load);
	return err;
}
