// SPDX-License-Identifier: MIT
/*
 * One queue's part of a load: a fixed number of blocks in flight, each started again by its own
 * completion.
 *
 * It owns one struct io per block in flight and, when it verifies, one tag per block of its part of
 * the disk: the generation last written there, and whether it is in flight.  A block in flight is
 * never touched by another request, for then nobody could say what it must hold.
 *
 * Time is taken once per completion: it ends one block's latency and starts the next one's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loopback/blkload_run.h"
#include "loopback/pattern.h"

#define TAG_BUSY     0x80000000U
#define MESSAGES_MAX 5	      /* of failed blocks */
#define GAP_NS	     1000000U /* what is shorter is not listed */
#define STUCK_S	     60	      /* seconds without any answer after which the backend is given up */

struct io {
	struct blkfront_req req;
	struct run *run;
	uint64_t block;
	uint64_t start; /* ns */
	uint32_t generation;
};

/* Others look at these, see run_progress(). */
static void count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
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

/* Its blocks are started by the clock, not each by the one before it. */
static bool run_paced(const struct run *run)
{
	return run->o->rate && !run->readback;
}

static bool run_ended(const struct run *run, uint64_t now)
{
	if (load_stopped() || run->err)
		return true;
	if (run->readback)
		return false;
	return (run->end && now >= run->end) || (run->o->ios && run->started >= run->ios);
}

/* ---- verifying ---------------------------------------------------------------------------- */

static uint64_t block_offset(const struct run *run, uint64_t block)
{
	return run->o->offset + (run->first + block) * run->o->bs;
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
		count(&run->result.verified, 1);
		return;
	}
	count(&run->result.verify_errors, 1);
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

	count(&run->result.errors, 1);
	if (run->messages++ < MESSAGES_MAX)
		fprintf(stderr, "blkload: %s at byte %llu failed: %s\n", what,
			(unsigned long long)block_offset(run, io->block), strerror(-err));
}

static void io_account(struct io *io, int err, uint64_t now)
{
	struct run *run = io->run;
	struct load_dir *dir = io->req.op == BLKIF_OP_READ ? &run->result.read : &run->result.write;

	if (err) {
		io_failed(io, err);
	} else if (!run->readback) {
		count(&dir->ios, 1);
		count(&dir->bytes, run->o->bs);
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

/* Something was asked for all the time, and nothing was answered: what a guest sees of a pause. */
static void gap_note(struct run *run, uint64_t now)
{
	uint64_t gap = now - run->answered;
	struct timespec ts;

	run->answered = now;
	if (gap < GAP_NS)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	fprintf(run->load->gaps, "%lld%06ld %llu\n", (long long)ts.tv_sec, ts.tv_nsec / 1000,
		(unsigned long long)gap / 1000);
}

static void io_done(struct blkfront_req *req, int err)
{
	struct io *io = req->owner;
	struct run *run = io->run;
	uint64_t now = load_clock();

	run->active--;
	if (run->load->gaps)
		gap_note(run, now);
	if (req->op == BLKIF_OP_FLUSH_DISKCACHE) {
		run->result.flushes++;
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
	if (!run_paced(run))
		io_start(io, now);
}

/* ---- the whole ---------------------------------------------------------------------------- */

/* Start all ios and wait until the last one stops. */
static void run_ios(struct run *run, uint64_t now)
{
	uint64_t last = now;
	bool tty = run == run->load->run && !run->o->json && isatty(STDERR_FILENO);
	int idle = 0;

	run->answered = now;
	for (unsigned int i = 0; i < run->o->qd; i++)
		io_start(&run->io[i], now);
	blkfront_push(run->queue);
	while (run->active) {
		int n = blkfront_wait(run->queue, 1000);

		if (n < 0 && n != -EINTR && n != -ETIMEDOUT)
			run->err = n;
		idle = n == -ETIMEDOUT ? idle + 1 : 0;
		if (idle == STUCK_S)
			blkfront_cancel(run->queue, -ETIMEDOUT);
		if (tty)
			load_progress(run->load, &last);
	}
	if (tty)
		fputs("\r\033[K", stderr);
}

/* Sleep until the clock shows @ns or a signal comes; what it shows then. */
static uint64_t clock_wait(uint64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000U),
			      .tv_nsec = (long)(ns % 1000000000U)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	return load_clock();
}

/*
 * Once, or with --rate again and again: --qd blocks at a time, so that the backend sees the same
 * bursts however many disks share a load.  What was late is made up for.
 */
void run_phase(struct run *run)
{
	uint64_t now = run->begin, due = now;

	run_ios(run, now);
	while (run_paced(run) && !run_ended(run, now)) {
		due += run->o->qd * 1000000000ULL / run->o->rate;
		now = clock_wait(due);
		run_ios(run, now);
	}
	run->ended = load_clock();
}

int run_init(struct run *run)
{
	size_t room = (run->o->bs + BLKFRONT_PAGE - 1) / BLKFRONT_PAGE * BLKFRONT_PAGE;
	char *base = blkfront_buffer(run->queue, 0);

	run->unit = pattern_unit(run->o->bs);
	if (run->o->verify && run->o->writes) {
		run->tag = calloc(run->blocks, sizeof(*run->tag));
		if (!run->tag)
			return -ENOMEM;
	}
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

void run_free(struct run *run)
{
	free(run->tag);
	free(run->io);
	free(run->memory);
}
