// SPDX-License-Identifier: MIT
/*
 * A bucket of `burst` tokens is filled at `rate` tokens per second; a request takes one token for
 * itself, or one for each byte.  A request that finds a token may take more than there are: the
 * debt is paid before the next one, so that a large request needs no large burst, and on average
 * the rate is kept to the token.
 *
 * Pure arithmetic on the times that callers pass in.  What was earned is always computed from the
 * start, so nothing is rounded twice and nothing drifts.  Numbers count modulo 2^64; only their
 * differences are looked at, and those are bounded.
 *
 * A bucket is one for all queues of a device: a guest that uses one of its queues gets the whole
 * rate, which a share per queue would deny it.  The queues' threads share one word, `spent`, by
 * relaxed atomic additions; no order between them matters.  Only disks with limits pay for them,
 * and those have time.
 */
#include "common/limit.h"

#define NS 1000000000u
/* No queue can owe more: a debt beyond is a bucket that was full for so long that it wrapped. */
#define OWED_MAX (LIMIT_BURST_MAX * 4)

/* A rest shorter than a timer's steps must not cost anything: at least 10 ms' worth. */
static uint64_t burst_of(const struct limit_rate *want)
{
	uint64_t burst = want->burst ? want->burst : want->rate / 10;

	if (burst < want->rate / 100)
		burst = want->rate / 100;
	if (burst > LIMIT_BURST_MAX)
		burst = LIMIT_BURST_MAX;
	return burst ? burst : 1;
}

void limit_init(struct limit *limit, const struct limit_spec *spec, uint64_t now_ns)
{
	limit->start_ns = now_ns;
	for (int i = 0; i < LIMIT_UNITS; i++)
		limit->unit[i] = (struct limit_bucket){
			.rate = spec->unit[i].rate < LIMIT_RATE_MAX ? spec->unit[i].rate
								    : LIMIT_RATE_MAX,
			.burst = burst_of(&spec->unit[i]),
		};
}

/* What was taken and is not earned yet.  0 is a full bucket, `burst` an empty one. */
static uint64_t bucket_owed(const struct limit_bucket *bucket, uint64_t earned)
{
	uint64_t owed = __atomic_load_n(&bucket->spent, __ATOMIC_RELAXED) - earned;

	return owed > OWED_MAX ? 0 : owed;
}

/* A full bucket takes no more: what was earned since it was full lapses. */
static void bucket_lapse(struct limit_bucket *bucket, uint64_t earned)
{
	uint64_t spent = __atomic_load_n(&bucket->spent, __ATOMIC_RELAXED);

	while (spent - earned > OWED_MAX &&
	       !__atomic_compare_exchange_n(&bucket->spent, &spent, earned, true, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

void limit_look(struct limit *limit, uint64_t now_ns, struct limit_look *look)
{
	uint64_t elapsed = now_ns - limit->start_ns;

	for (int i = 0; i < LIMIT_UNITS; i++) {
		struct limit_bucket *bucket = &limit->unit[i];

		look->earned[i] = (uint64_t)((unsigned __int128)elapsed * bucket->rate / NS);
		bucket_lapse(bucket, look->earned[i]);
	}
}

bool limit_open(const struct limit *limit, const struct limit_look *look)
{
	for (int i = 0; i < LIMIT_UNITS; i++) {
		const struct limit_bucket *bucket = &limit->unit[i];

		if (bucket->rate && bucket_owed(bucket, look->earned[i]) >= bucket->burst)
			return false;
	}
	return true;
}

uint64_t limit_wait_ns(const struct limit *limit, const struct limit_look *look)
{
	uint64_t longest = 0;

	for (int i = 0; i < LIMIT_UNITS; i++) {
		const struct limit_bucket *bucket = &limit->unit[i];
		uint64_t owed = bucket_owed(bucket, look->earned[i]);
		uint64_t ns;

		if (!bucket->rate || owed < bucket->burst)
			continue;
		/* Until one token is there.  Part of it may be earned already: at most this. */
		ns = (uint64_t)(((unsigned __int128)(owed - bucket->burst + 1) * NS + bucket->rate -
				 1) /
				bucket->rate);
		if (ns > longest)
			longest = ns;
	}
	return longest;
}
