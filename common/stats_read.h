/* SPDX-License-Identifier: MIT */
/*
 * Reading the files of stats.h from outside.  Whatever a file holds, a snapshot is safe to use: its
 * numbers may be nonsense, but no number of it is used to find anything.
 */
#ifndef COMMON_STATS_READ_H
#define COMMON_STATS_READ_H

#include "common/stats.h"

struct stats_name {
	uint32_t domid;
	uint32_t devid;
};

/*
 * The devices of which `daemon` keeps a file, by domid and devid; *names is for free().  How many,
 * or -errno of looking into the directory.
 */
int stats_list(const char *daemon, struct stats_name **names);

/* A copy of a device's file.  Owned by the caller, for stats_release(). */
struct stats_snapshot {
	uint64_t at_ns; /* when it was read, CLOCK_MONOTONIC */
	/* Number and domain are those of the file's name, the texts are printable and ended. */
	struct stats_header header;
	struct stats_queue *queue; /* header.queues of them, 1 to STATS_QUEUES_MAX */
};

/* 0; -ENOENT: no such device; -EPROTO: it is no such file, or of another version. */
int stats_read(struct stats_snapshot *snapshot, const char *daemon, const struct stats_name *name);
void stats_release(struct stats_snapshot *snapshot);

/* Adds all of `queue` to `sum`. */
void stats_sum(struct stats_queue *sum, const struct stats_queue *queue);
/* What `now` has more than `before`; a counter that ran backwards has none.  Gauges stay. */
void stats_since(struct stats_queue *now, const struct stats_queue *before);

/* How many latencies a histogram holds. */
uint64_t stats_samples(const struct stats_histogram *histogram);
/* The longest latency in ns that is counted by a step. */
uint64_t stats_step_top(uint32_t step);
/* What `percent` (0 to 100) of the latencies are not above, in ns; 0 if there are none. */
uint64_t stats_percentile(const struct stats_histogram *histogram, double percent);

#endif
