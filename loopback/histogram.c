// SPDX-License-Identifier: MIT
/*
 * A log-linear histogram: constant relative error, constant size, an addition costs a few
 * instructions.  Values below HISTOGRAM_STEPS have a step of their own; above, each power of two
 * has HISTOGRAM_STEPS equal steps.  Pure arithmetic; the unit (nanoseconds, say) is the caller's.
 */
#include "loopback/histogram.h"

static uint32_t step_of(uint64_t value)
{
	uint32_t group;

	if (value < HISTOGRAM_STEPS)
		return (uint32_t)value;
	group = 63 - (uint32_t)__builtin_clzll(value) - HISTOGRAM_BITS;
	if (group + 1 >= HISTOGRAM_GROUPS)
		return HISTOGRAM_GROUPS * HISTOGRAM_STEPS - 1;
	return (group + 1) * HISTOGRAM_STEPS + (uint32_t)(value >> group) - HISTOGRAM_STEPS;
}

/* The largest value that counts as this step. */
static uint64_t step_top(uint32_t step)
{
	uint32_t group = step / HISTOGRAM_STEPS;

	if (!group)
		return step;
	return ((uint64_t)(step % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1) << (group - 1)) - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	if (!h->count || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->count++;
	h->sum += value;
	h->step[step_of(value)]++;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	if (!from->count)
		return;
	if (!to->count || from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	to->count += from->count;
	to->sum += from->sum;
	for (uint32_t i = 0; i < HISTOGRAM_GROUPS * HISTOGRAM_STEPS; i++)
		to->step[i] += from->step[i];
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
	double want = (double)h->count * percent / 100.0;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < HISTOGRAM_GROUPS * HISTOGRAM_STEPS; i++) {
		seen += h->step[i];
		if (seen && (double)seen >= want) {
			uint64_t top = step_top(i);

			return top < h->max ? top : h->max;
		}
	}
	return h->max;
}

double histogram_mean(const struct histogram *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0.0;
}
