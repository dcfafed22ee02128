/* SPDX-License-Identifier: MIT */
/*
 * What a device has done: counters and latencies in a file that anybody may read while it works.
 *
 * The supervisor makes /run/halfback/DAEMON-DOMID-DEVID.stats when the device connects and removes
 * it when it closes; the worker maps it.  Each queue has a block of its own, on cache lines of its
 * own, which only its thread writes: plain stores of whole words, no lock, no atomic operation.
 *
 * So a block may be read between any two stores: each word is right, and words that belong together
 * may be some requests apart.  And whoever took over a worker may have written anything:
 * stats_read.h is the reader that believes nothing.
 */
#ifndef COMMON_STATS_H
#define COMMON_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATS_MAGIC 0x3173746174736268u /* "hbstats1" */

enum {
	STATS_VERSION = 1,
	STATS_QUEUES_MAX = 16,
	STATS_NAME_MAX = 16,

	/* Histograms: 8 steps for each power of two, so a latency is told within 12.5 %. */
	STATS_STEP_BITS = 3,
	STATS_STEP_COUNT = 1 << STATS_STEP_BITS,
	STATS_TOP_BIT = 36, /* 2^36 ns, 68 seconds: what takes longer counts as that */
	STATS_STEPS = (STATS_TOP_BIT - STATS_STEP_BITS + 1) * STATS_STEP_COUNT,
};

enum stats_op {
	STATS_READ,
	STATS_WRITE,
	STATS_FLUSH,
	STATS_TIMED, /* the operations above have histograms */
	STATS_DISCARD = STATS_TIMED,
	STATS_BARRIER,
	STATS_OTHER, /* operations that we don't know */
	STATS_OPS
};

/* Requests are counted when they are answered; those refused unread are among the errors. */
struct stats_count {
	uint64_t requests;
	uint64_t errors; /* of them */
	uint64_t bytes;	 /* moved by those without error */
};

/* Of the requests without error.  Their number is the sum of the steps. */
struct stats_histogram {
	uint64_t sum_ns;
	uint64_t step[STATS_STEPS];
};

/* All members are uint64_t: stats_read.c adds and subtracts them as an array. */
struct stats_queue {
	/* What is now. */
	uint64_t ring_slots;
	uint64_t in_flight;   /* requests taken and not answered */
	uint64_t grants_held; /* persistent ones, mapped */
	/* What was, since the device connected. */
	struct stats_count op[STATS_OPS];
	uint64_t indirect;	 /* of the reads and writes, those with indirect segments */
	uint64_t turns;		 /* that took requests from the ring */
	uint64_t ring_full;	 /* of them, those that found every slot in use */
	uint64_t limited;	 /* turns that a limit ended */
	uint64_t kicks;		 /* notifications of the guest */
	uint64_t notifies;	 /* notifications to the guest */
	uint64_t copy_calls;	 /* grant copy calls */
	uint64_t copy_segments;	 /* segments in them */
	uint64_t copies_refused; /* of them, those that the hypervisor refused */
	uint64_t grant_maps;	 /* persistent grants mapped */
	uint64_t grant_hits;	 /* segments that found theirs mapped */
	struct stats_histogram histogram[STATS_TIMED];
} __attribute__((aligned(128))); /* two lines: processors fetch them in pairs */

enum {
	STATS_GAUGES = offsetof(struct stats_queue, op) / sizeof(uint64_t)
};

/* Written by the supervisor before the worker has the file. */
struct stats_header {
	uint64_t magic; /* written last */
	uint32_t version;
	uint32_t queue_size; /* bytes */
	uint32_t queues;
	uint32_t domid;
	uint32_t devid;
	uint32_t generation;	 /* how often the device has connected to this supervisor */
	uint64_t since_ns;	 /* when it connected, CLOCK_MONOTONIC */
	uint64_t since_epoch_ns; /* the same, CLOCK_REALTIME */
	char kind[STATS_NAME_MAX];
	char engine[STATS_NAME_MAX];
};

/* struct vbd3_stats of Xen's tools/libs/stat/xenstat_priv.h; see xentop.c. */
struct stats_xentop {
	uint32_t version; /* 1 */
	uint32_t pad;
	uint64_t oo_reqs; /* turns that found the ring full */
	uint64_t read_reqs_submitted, read_reqs_completed, read_sectors, read_total_ticks;
	uint64_t write_reqs_submitted, write_reqs_completed, write_sectors, write_total_ticks;
	uint64_t io_errors;
	uint64_t flags;
};

struct stats_file {
	union {
		uint8_t reserved[128];
		struct stats_xentop xentop; /* first: other programs read it */
	};
	struct stats_header header;
	struct stats_queue queue[];
};

static inline size_t stats_file_size(uint32_t queues)
{
	return sizeof(struct stats_file) + queues * sizeof(struct stats_queue);
}

/* ---- the supervisor ---------------------------------------------------------------------- */

struct stats_identity {
	const char *daemon;
	const char *kind;
	const char *engine;
	uint32_t domid;
	uint32_t devid;
	uint32_t generation;
};

/*
 * Makes the device's file, in place of one that is there.  A descriptor for the worker, owned by
 * the caller, or -errno.
 */
int stats_create(const struct stats_identity *id, uint32_t queues);
void stats_remove(const char *daemon, uint32_t domid, uint32_t devid);
/* Removes what an earlier daemon of this name left. */
void stats_sweep(const char *daemon);

/* ---- the worker -------------------------------------------------------------------------- */

struct stats {
	struct stats_file *file;
	uint32_t queues;
	bool xentop; /* xentop looks at it */
};

/*
 * Maps the file and closes `fd`.  Without one (fd < 0), or with one that is none, the numbers go to
 * memory that nobody reads.  0 or -ENOMEM.
 */
int stats_map(struct stats *stats, int fd, uint32_t queues);
void stats_unmap(struct stats *stats);

/* Below: only the queue's thread.  Nothing is ever decided by a number read from the file. */

static inline void stats_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void stats_set(uint64_t *gauge, uint64_t value)
{
	__atomic_store_n(gauge, value, __ATOMIC_RELAXED);
}

/* The step that counts a latency. */
static inline uint32_t stats_step(uint64_t ns)
{
	uint32_t group;

	if (ns < STATS_STEP_COUNT)
		return (uint32_t)ns;
	if (ns >> STATS_TOP_BIT)
		return STATS_STEPS - 1;
	group = 63 - (uint32_t)__builtin_clzll(ns) - STATS_STEP_BITS;
	return (group + 1) * STATS_STEP_COUNT + (uint32_t)(ns >> group) - STATS_STEP_COUNT;
}

/* A request was answered, `ns` after it was taken. */
static inline void stats_done(struct stats_queue *queue, enum stats_op op, uint64_t bytes,
			      uint64_t ns)
{
	stats_add(&queue->op[op].requests, 1);
	stats_add(&queue->op[op].bytes, bytes);
	if (op < STATS_TIMED) {
		stats_add(&queue->histogram[op].sum_ns, ns);
		stats_add(&queue->histogram[op].step[stats_step(ns)], 1);
	}
}

/* A request was answered with an error. */
static inline void stats_failed(struct stats_queue *queue, enum stats_op op)
{
	stats_add(&queue->op[op].requests, 1);
	stats_add(&queue->op[op].errors, 1);
}

#endif
