/* SPDX-License-Identifier: MIT */
/* How fast a device may be used: token buckets for requests and bytes.  See limit.c. */
#ifndef COMMON_LIMIT_H
#define COMMON_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum limit_unit {
	LIMIT_IOPS, /* a token is a request, of whatever size */
	LIMIT_BPS,  /* a token is a byte read or written */
	LIMIT_UNITS
};

#define LIMIT_RATE_MAX	(1ull << 36) /* tokens per second */
#define LIMIT_BURST_MAX (1ull << 40) /* tokens */

/* What the admin asks for.  Plain numbers: travels through the channel. */
struct limit_rate {
	uint64_t rate;	/* tokens per second; 0: no limit */
	uint64_t burst; /* how many may be taken at once after a rest; 0: a tenth of a second's */
};

struct limit_spec {
	struct limit_rate unit[LIMIT_UNITS];
};

/* Of one device, shared by its queues.  All but `spent` is fixed by limit_init(). */
struct limit {
	struct limit_bucket {
		uint64_t rate;
		uint64_t burst;
		uint64_t spent; /* tokens taken since start_ns, and those that were let lapse */
	} unit[LIMIT_UNITS];
	uint64_t start_ns;
};

/* What a queue saw when it last looked; its own. */
struct limit_look {
	uint64_t earned[LIMIT_UNITS]; /* tokens since the limit's start */
};

/* Starts with full buckets.  `now_ns`: CLOCK_MONOTONIC, as in all that follow. */
void limit_init(struct limit *limit, const struct limit_spec *spec, uint64_t now_ns);

static inline bool limit_any(const struct limit *limit)
{
	return limit->unit[LIMIT_IOPS].rate || limit->unit[LIMIT_BPS].rate;
}

/* Looks at the clock: what was earned since the last look becomes usable.  Any thread. */
void limit_look(struct limit *limit, uint64_t now_ns, struct limit_look *look);

/* True if a request may be taken.  Any thread. */
bool limit_open(const struct limit *limit, const struct limit_look *look);

/*
 * A request was taken, or its bytes, which may leave a debt.  Tokens modulo 2^64: what was taken
 * too much may be given back.  Any thread.
 */
static inline void limit_take(struct limit *limit, enum limit_unit unit, uint64_t tokens)
{
	if (limit->unit[unit].rate)
		__atomic_fetch_add(&limit->unit[unit].spent, tokens, __ATOMIC_RELAXED);
}

/* How many ns after the look limit_open() will be true, if nobody takes anything meanwhile. */
uint64_t limit_wait_ns(const struct limit *limit, const struct limit_look *look);

#endif
