// SPDX-License-Identifier: MIT
/*
 * blkload's load: a fixed number of blocks in flight, each started again by its own completion.
 *
 * It owns one struct io per block in flight and, when it verifies, one tag per block of the disk:
 * the generation last written there, and whether it is in flight.  A block in flight is never
 * touched by another request, for then nobody could say what it must hold.
 *
 * Time is taken once per completion: it ends one block's latency and starts the next one's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "loopback/blkload.h"
#include "loopback/pattern.h"

#define TAG_BUSY     0x80000000U
#define MESSAGES_MAX 5	/* of failed blocks */
#define STUCK_S	     60 /* seconds without any answer after which the backend is given up */

struct run;

struct io {
	struct blkfront_req req;
	struct run *run;
	uint64_t block;
	uint64_t start; /* ns */
	uint32_t generation;
};

struct run {
	struct blkfront_queue *queue;
	const struct load_opts *o;
	struct load_result *result;
	struct io *io;
	char *memory; /* of the buffers, when they are not the frontend's own */
	uint32_t *tag;
	size_t unit;
	uint64_t blocks, started, next;
	uint64_t begin, end; /* ns; end 0: none */
	uint64_t rng;
	unsigned int active, writes_since_flush, messages;
	bool readback;
	int err; /* the device is lost */
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static double cpu_now(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	       (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1e-6;
}

/* xorshift64*, high half */
static uint32_t random_next(struct run *run)
{
	run->rng ^= run->rng >> 12;
	run->rng ^= run->rng << 25;
	run->rng ^= run->rng >> 27;
	return (uint32_t)(run->rng * 0x2545f4914f6cdd1dU >> 32);
}

/* ---- choosing ----------------------------------------------------------------------------- */

static uint64_t random_block(struct run *run)
{
	if (run->blocks <= UINT32_MAX)
		return (uint64_t)random_next(run) * run->blocks >> 32;
	return ((uint64_t)random_next(run) << 32 | random_next(run)) % run->blocks;
}

/* There is always a block that is not busy: there are at least as many blocks as ios. */
static uint64_t block_choose(struct run *run)
{
	uint64_t block = run->o->random ? random_block(run) : run->next;

	while (run->tag && run->tag[block] & TAG_BUSY)
		block = block + 1 < run->blocks ? block + 1 : 0;
	run->next = block + 1 < run->blocks ? block + 1 : 0;
	return block;
}

/* The next block that this run has written, or false at the end. */
static bool block_written(struct run *run, uint64_t *block)
{
	while (run->next < run->blocks && !run->tag[run->next])
		run->next++;
	*block = run->next;
	return run->next++ < run->blocks;
}

static uint8_t op_choose(struct run *run)
{
	const struct load_opts *o = run->o;

	if (!o->writes || run->readback)
		return BLKIF_OP_READ;
	if (!o->reads)
		return BLKIF_OP_WRITE;
	return random_next(run) % 100 < o->mix ? BLKIF_OP_READ : BLKIF_OP_WRITE;
}

static bool run_ended(const struct run *run, uint64_t now)
{
	if (load_stop || run->err)
		return true;
	if (run->readback)
		return false;
	return (run->end && now >= run->end) || (run->o->ios && run->started >= run->o->ios);
}

/* ---- verifying ---------------------------------------------------------------------------- */

static uint64_t block_offset(const struct run *run, uint64_t block)
{
	return run->o->offset + block * run->o->bs;
}

static void io_prepare(struct io *io)
{
	struct run *run = io->run;
	const struct load_opts *o = run->o;
	uint32_t base = o->generation ? o->generation : 1, tag;

	if (!run->tag) {
		io->generation = o->generation ? o->generation : PATTERN_ANY;
		return;
	}
	tag = run->tag[io->block];
	io->generation = tag;
	if (io->req.op == BLKIF_OP_WRITE) {
		io->generation = tag ? tag + 1 : base;
		pattern_fill(io->req.buf, o->bs, run->unit, block_offset(run, io->block), o->seed,
			     io->generation);
	}
	run->tag[io->block] |= TAG_BUSY;
}

static void io_check(struct io *io)
{
	struct run *run = io->run;
	const struct load_opts *o = run->o;
	enum pattern_fault fault;
	uint64_t at = 0;

	if (!io->generation)
		return; /* this run has not written it */
	fault = pattern_check(io->req.buf, o->bs, run->unit, block_offset(run, io->block), o->seed,
			      io->generation, &at);
	if (!fault) {
		run->result->verified++;
		return;
	}
	run->result->verify_errors++;
	if (run->messages++ < MESSAGES_MAX)
		fprintf(stderr, "blkload: the block at byte %llu %s\n", (unsigned long long)at,
			pattern_text(fault));
}

/* ---- one block ---------------------------------------------------------------------------- */

static void io_submit(struct io *io, uint64_t now)
{
	struct run *run = io->run;
	int err;

	io->start = now;
	err = blkfront_submit(run->queue, &io->req);
	if (err)
		run->err = err;
	else
		run->active++;
}

static void io_start(struct io *io, uint64_t now)
{
	struct run *run = io->run;

	if (run_ended(run, now))
		return;
	if (run->readback) {
		if (!block_written(run, &io->block))
			return;
	} else {
		io->block = block_choose(run);
	}
	run->started++;
	io->req.op = op_choose(run);
	io->req.sector = block_offset(run, io->block) / BLKFRONT_SECTOR;
	io->req.sectors = run->o->bs / BLKFRONT_SECTOR;
	if (run->o->verify)
		io_prepare(io);
	io_submit(io, now);
}

static void io_failed(const struct io *io, int err)
{
	struct run *run = io->run;
	const char *what = io->req.op == BLKIF_OP_READ	  ? "read"
			   : io->req.op == BLKIF_OP_WRITE ? "write"
							  : "flush";

	run->result->errors++;
	if (run->messages++ < MESSAGES_MAX)
		fprintf(stderr, "blkload: %s at byte %llu failed: %s\n", what,
			(unsigned long long)block_offset(run, io->block), strerror(-err));
}

static void io_account(struct io *io, int err, uint64_t now)
{
	struct run *run = io->run;
	struct load_dir *dir =
		io->req.op == BLKIF_OP_READ ? &run->result->read : &run->result->write;

	if (err) {
		io_failed(io, err);
	} else if (!run->readback) {
		dir->ios++;
		dir->bytes += run->o->bs;
		histogram_add(&dir->latency, now - io->start);
	}
	if (!err && run->o->verify && io->req.op == BLKIF_OP_READ)
		io_check(io);
	if (!run->tag)
		return;
	if (io->req.op == BLKIF_OP_WRITE)
		run->tag[io->block] = err ? 0 : io->generation;
	else
		run->tag[io->block] &= ~TAG_BUSY;
}

static bool flush_due(struct run *run, const struct io *io)
{
	if (io->req.op != BLKIF_OP_WRITE || !run->o->flush_every ||
	    ++run->writes_since_flush < run->o->flush_every)
		return false;
	run->writes_since_flush = 0;
	return true;
}

static void io_done(struct blkfront_req *req, int err)
{
	struct io *io = req->owner;
	struct run *run = io->run;
	uint64_t now = clock_ns();

	run->active--;
	if (req->op == BLKIF_OP_FLUSH_DISKCACHE) {
		run->result->flushes++;
		if (err)
			io_failed(io, err);
	} else {
		io_account(io, err, now);
		if (flush_due(run, io)) {
			req->op = BLKIF_OP_FLUSH_DISKCACHE;
			req->sectors = 0;
			io_submit(io, now);
			return;
		}
	}
	io_start(io, now);
}

/* ---- a phase ------------------------------------------------------------------------------ */

static void progress(struct run *run, uint64_t *last)
{
	uint64_t now = clock_ns();

	if (now - *last < 500000000U)
		return;
	*last = now;
	report_progress(run->result, (double)(now - run->begin) * 1e-9);
}

/* Start all ios and wait until the last one stops. */
static int phase_run(struct run *run)
{
	uint64_t last = clock_ns();
	bool tty = isatty(STDERR_FILENO) && !run->o->json;
	int idle = 0;

	run->begin = last;
	run->started = run->next = 0;
	if (run->o->runtime > 0)
		run->end = run->begin + (uint64_t)(run->o->runtime * 1e9);
	for (unsigned int i = 0; i < run->o->qd; i++)
		io_start(&run->io[i], run->begin);
	blkfront_push(run->queue);
	while (run->active) {
		int n = blkfront_wait(run->queue, 1000);

		if (n < 0 && n != -EINTR && n != -ETIMEDOUT)
			run->err = n;
		idle = n == -ETIMEDOUT ? idle + 1 : 0;
		if (idle == STUCK_S)
			blkfront_cancel(run->queue, -ETIMEDOUT);
		if (tty)
			progress(run, &last);
	}
	if (tty)
		fputs("\r\033[K", stderr);
	return run->err;
}

static int run_phases(struct run *run)
{
	double cpu = cpu_now();
	int err = phase_run(run);

	run->result->seconds = (double)(clock_ns() - run->begin + 1) * 1e-9;
	run->result->cpu_seconds = cpu_now() - cpu;
	run->result->front = *blkfront_stats(run->queue);
	if (err || !run->tag)
		return err;
	run->readback = true;
	return phase_run(run);
}

/* ---- setting up --------------------------------------------------------------------------- */

static int run_buffers(struct run *run)
{
	size_t room = (run->o->bs + BLKFRONT_PAGE - 1) / BLKFRONT_PAGE * BLKFRONT_PAGE;
	char *base = blkfront_buffer(run->queue, 0);

	if (!base)
		base = run->memory = aligned_alloc(BLKFRONT_PAGE, room * run->o->qd);
	run->io = calloc(run->o->qd, sizeof(*run->io));
	if (!base || !run->io)
		return -ENOMEM;
	for (unsigned int i = 0; i < run->o->qd; i++) {
		struct io *io = &run->io[i];

		io->run = run;
		io->req.owner = io;
		io->req.done = io_done;
		io->req.buf = base + i * room;
		pattern_fill(io->req.buf, room, 512, i, run->o->seed, 0); /* not just zeros */
	}
	return 0;
}

static int run_tags(struct run *run)
{
	if (!run->o->verify || !run->o->writes)
		return 0;
	run->tag = calloc(run->blocks, sizeof(*run->tag));
	return run->tag ? 0 : -ENOMEM;
}

int load_run(struct blkfront *bf, const struct load_opts *o, struct load_result *result)
{
	struct run run = {.queue = blkfront_queue(bf, 0),
			  .o = o,
			  .result = result,
			  .unit = pattern_unit(o->bs),
			  .blocks = o->size / o->bs,
			  .rng = o->seed * 0x9e3779b97f4a7c15U + 0x1234567};
	int err = run_buffers(&run);

	if (!err)
		err = run_tags(&run);
	if (err)
		fprintf(stderr, "blkload: not enough memory for this --qd, --bs and --size\n");
	else
		err = run_phases(&run);
	free(run.tag);
	free(run.io);
	free(run.memory);
	return err;
}
