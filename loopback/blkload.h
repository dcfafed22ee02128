/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_BLKLOAD_H
#define LOOPBACK_BLKLOAD_H

#include <signal.h>

#include "loopback/blkfront.h"
#include "loopback/histogram.h"

enum load_op {
	OP_LOAD,
	OP_INFO,
	OP_FLUSH,
	OP_DISCARD,
	OP_BARRIER,
	OP_HOLD
};

/* What the command line asks for; sizes in bytes, 0: not given. */
struct load_opts {
	const char *dev;
	enum load_op op;
	const char *rw;
	bool random, reads, writes;
	unsigned int mix; /* percent of reads, where both are done */
	uint64_t bs, offset, size, ios;
	unsigned int qd, flush_every; /* of each queue */
	unsigned int rate;	      /* blocks per second of each queue; 0: as many as can be */
	double runtime;		      /* s */
	bool verify, json, stay;
	const char *gaps; /* file to list times without an answer in; NULL: none */
	uint64_t seed;
	uint32_t generation;
	struct blkfront_opts front;
};

/* One direction's outcome; latencies in ns. */
struct load_dir {
	uint64_t ios, bytes;
	struct histogram latency;
};

struct load_result {
	double seconds, cpu_seconds;
	struct load_dir read, write;
	uint64_t flushes;
	uint64_t errors;	     /* requests that failed */
	uint64_t verified;	     /* blocks of --bs whose content was checked and good */
	uint64_t verify_errors;	     /* blocks that were not */
	struct blkfront_stats front; /* of all queues together */
};

/* Set by SIGTERM and SIGINT; read by every queue's thread. */
extern sig_atomic_t load_stop;

static inline bool load_stopped(void)
{
	return __atomic_load_n(&load_stop, __ATOMIC_RELAXED);
}

/* blkload_opts.c: 0, or -EINVAL after one sentence on stderr; 1 after --help. */
int opts_parse(struct load_opts *o, int argc, char **argv);

/*
 * blkload_run.c: run the load that @o describes on all queues, then read back and check what was
 * written if that was asked for.  0, or -errno when the device failed as a whole.
 */
int load_run(struct blkfront *bf, const struct load_opts *o, struct load_result *result);

/* blkload_report.c */
void report_info(struct blkfront *bf, const struct load_opts *o);
void report_result(const struct blkfront *bf, const struct load_opts *o,
		   const struct load_result *r);
void report_progress(uint64_t ios, uint64_t bytes, uint64_t wrong, double seconds);

#endif
