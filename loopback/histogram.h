/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_HISTOGRAM_H
#define LOOPBACK_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS	6 /* 64 steps for each power of two: percentiles are right within 1.6 % */
#define HISTOGRAM_STEPS (1U << HISTOGRAM_BITS)
#define HISTOGRAM_GROUPS                                                                           \
	(40U - HISTOGRAM_BITS + 1) /* values up to 2^40; larger ones count as that */

/* All zero is an empty one. */
struct histogram {
	uint64_t count, sum, min, max;
	uint64_t step[HISTOGRAM_GROUPS * HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *h, uint64_t value);
void histogram_merge(struct histogram *to, const struct histogram *from);

/* The value that @percent (0-100) of all are not above; 0 when empty.  Exact below HISTOGRAM_STEPS.
 */
uint64_t histogram_percentile(const struct histogram *h, double percent);
double histogram_mean(const struct histogram *h);

#endif
