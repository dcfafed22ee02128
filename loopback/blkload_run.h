/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_BLKLOAD_RUN_H
#define LOOPBACK_BLKLOAD_RUN_H

#include <pthread.h>
#include <stdio.h>

#include "loopback/blkload.h"

struct run;
struct io;

/* The whole of it. */
struct load {
	struct blkfront *bf;
	struct run *run;
	unsigned int queues;
	uint64_t begin; /* ns, of the phase */
	FILE *gaps;	/* NULL: not wanted */
};

/* What one queue does. */
struct run {
	struct load *load;
	struct blkfront_queue *queue;
	const struct load_opts *o;
	struct load_result result;
	pthread_t thread;
	struct io *io;
	char *memory; /* of the buffers, when they are not the frontend's own */
	uint32_t *tag;
	size_t unit;
	uint64_t first, blocks; /* its part of the disk; blocks are counted from `first` */
	uint64_t ios, started, next;
	uint64_t begin, end, ended; /* ns; end 0: none */
	uint64_t rng;
	uint64_t answered; /* ns, when the last block was done, or the first one started */
	unsigned int active, writes_since_flush, messages;
	bool readback;
	int err; /* the device is lost */
};

/* CLOCK_MONOTONIC, ns. */
uint64_t load_clock(void);

/* Now and then, a line on stderr that tells how far all queues are; *@last is when it last did. */
void load_progress(const struct load *load, uint64_t *last);

/*
 * blkload_queue.c.  run_init() takes what load, queue, o, first, blocks, ios and rng say; 0 or
 * -ENOMEM, and run_free() is due in any case.  run_phase() starts as many ios as are to be in
 * flight, and returns when the last one has stopped: `err` says if the device was lost.
 */
int run_init(struct run *run);
void run_phase(struct run *run);
void run_free(struct run *run);

#endif
