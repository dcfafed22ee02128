// SPDX-License-Identifier: MIT
/*
 * For the tests of `make crash` only: a worker that is killed before its n-th store to a ring or to
 * its journal, or notification.  n is in the file that HALFBACK_CRASH names; the worker that reads
 * it makes it one more, so the lives of one guest's workers, one after the other, try every n.
 * Without the variable, or with an n of 0, nothing happens.
 *
 * SIGKILL, so that no handler and no exit can put anything in order.
 */
#include "common/crash.h"

#ifdef CRASH_POINTS

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/filter.h"

static uint64_t last; /* 0: none */
static uint64_t count;

void crash_open(void)
{
	const char *path = getenv("HALFBACK_CRASH");
	FILE *file = path ? fopen(path, "r+") : NULL;
	unsigned long long n;

	if (!file)
		return;
	if (fscanf(file, "%llu", &n) == 1 && n > 0) {
		last = n;
		rewind(file);
		fprintf(file, "%llu\n", n + 1);
	}
	fclose(file);
}

void crash_point(void)
{
	/* Threads count together: any of them may be the one. */
	if (last && __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) == last)
		kill(getpid(), SIGKILL);
}

static const struct filter_rule crash_rules[] = {
	FILTER_ALLOW(kill),
};

const struct filter crash_filter = {FILTER_RULES(crash_rules)};

#endif
