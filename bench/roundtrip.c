// SPDX-License-Identifier: MIT
/*
 * What it costs that two processes wake each other: an eventfd is written, the other process reads
 * it and writes one back.  A request to a backend in a process of its own can't be answered in
 * less, unless one of the two looks for it without sleeping.  Each has a processor to itself, as
 * a guest and dom0 have: on one processor, which never idles, the same takes a tenth.
 *
 * usage: roundtrip MILLISECONDS; prints {"round_trips": N, "p50_us": T, "p99_us": T}
 */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	ROUND_TRIPS_MAX = 1 << 20
};

static uint64_t took[ROUND_TRIPS_MAX]; /* ns, each */

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

/* Sleeps until the eventfd @fd was written; what was written to it, or 0. */
static uint64_t wait_for(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void wake(int fd, uint64_t n)
{
	if (write(fd, &n, sizeof(n)) != sizeof(n))
		exit(1);
}

/* The other process: answers each 1, ends at a 2. */
static void answer(int ask, int reply)
{
	while (wait_for(ask) == 1)
		wake(reply, 1);
}

static int ns_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Fills `took` for @ms milliseconds; how many. */
static size_t measure(int ask, int reply, uint64_t ms)
{
	uint64_t now = clock_ns(), end = now + ms * 1000000;
	size_t n = 0;

	while (now < end && n < ROUND_TRIPS_MAX) {
		uint64_t start = now;

		wake(ask, 1);
		wait_for(reply);
		now = clock_ns();
		took[n++] = now - start;
	}
	wake(ask, 2);
	return n;
}

/* Microseconds that @percent of the first @n did not exceed. */
static double percentile_us(size_t n, unsigned int percent)
{
	size_t i = n * percent / 100;

	return (double)took[i] / 1000;
}

/* Keeps us on the @nth of the processors that we may use; on any if there are fewer. */
static void stay_on(int nth)
{
	cpu_set_t may, one;

	if (sched_getaffinity(0, sizeof(may), &may) < 0)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &may) && nth-- == 0) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			sched_setaffinity(0, sizeof(one), &one);
		}
}

int main(int argc, char **argv)
{
	int ask = eventfd(0, EFD_CLOEXEC), reply = eventfd(0, EFD_CLOEXEC);
	int ms = argc == 2 ? atoi(argv[1]) : 0;
	size_t n;
	pid_t other;

	if (ms < 1) {
		fprintf(stderr, "usage: roundtrip MILLISECONDS\n");
		return 2;
	}
	if (ask < 0 || reply < 0 || (other = fork()) < 0) {
		perror("roundtrip: cannot make two eventfds and a process");
		return 1;
	}
	stay_on(other == 0);
	if (other == 0) {
		answer(ask, reply);
		return 0;
	}
	n = measure(ask, reply, (uint64_t)ms);
	waitpid(other, NULL, 0);
	qsort(took, n, sizeof(*took), ns_compare);
	printf("{\"round_trips\": %zu, \"p50_us\": %.3f, \"p99_us\": %.3f}\n", n,
	       percentile_us(n, 50), percentile_us(n, 99));
	return 0;
}
