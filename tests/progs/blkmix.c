// SPDX-License-Identifier: MIT
/*
 * blkmix DISK SECONDS SECTORS SEED FILE [all] [persistent]: reads and writes of any number of
 * sectors at any sector, and of whole 4 KiB blocks, 24 at a time, crowded on the disk's first
 * SECTORS.  Requests that are under way together never share a sector, unless both read; that they
 * share blocks of a store below is what it is for.  Each sector read is checked against what was
 * written last.
 *
 * With "all", barriers, flushes, discards (of a store that gives zeros then) and indirect requests
 * are among them; with "persistent", grants are.
 *
 * At the end all is read again, by sectors and by blocks, the disk is flushed, and FILE gets what
 * the disk has to hold.  Prints "IOS SECTORS-CHECKED SECTORS-WRONG"; exit status 1 if one was
 * wrong.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loopback/blkfront.h"
#include "loopback/vdev.h"

enum {
	DEPTH = 24,
	IO_PAGES = 20,
	IO_SECTORS = IO_PAGES * 4096 / 512,
	BLOCK = 8,	     /* sectors */
	DISCARDED = 1 << 30, /* in a generation: it holds zeros */
};

struct io {
	struct blkfront_req req;
	bool busy;
};

static struct blkfront *bf;
static struct blkfront_queue *queue;
static struct io ios[DEPTH];
static uint32_t sectors;
static uint32_t *generation; /* by sector: written last */
static int *users;	     /* by sector: -1 a writer, else readers */
static uint64_t seed, ios_done, checked, wrong;
static bool all_kinds, persistent;

static uint32_t any(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static void sector_fill(uint64_t *to, uint64_t sector, uint32_t gen)
{
	if (gen & DISCARDED) {
		memset(to, 0, 512);
		return;
	}
	for (unsigned int i = 0; i < 64; i++)
		to[i] = (sector << 32 | gen) * 0x9e3779b97f4a7c15u + i;
}

static void sector_check(const char *from, uint64_t sector)
{
	uint64_t want[64];

	sector_fill(want, sector, generation[sector]);
	checked++;
	if (memcmp(from, want, sizeof(want)) == 0)
		return;
	if (wrong++ < 5)
		fprintf(stderr, "blkmix: sector %llu is not as it was written\n",
			(unsigned long long)sector);
}

static void io_done(struct blkfront_req *req, int err)
{
	struct io *io = req->owner;
	bool write = req->op != BLKIF_OP_READ;

	if (err) {
		fprintf(stderr, "blkmix: operation %u of %llu sectors at %llu: %s\n", req->op,
			(unsigned long long)req->sectors, (unsigned long long)req->sector,
			strerror(-err));
		exit(1);
	}
	for (uint64_t i = 0; i < req->sectors; i++) {
		if (!write)
			sector_check((char *)req->buf + i * 512, req->sector + i);
		users[req->sector + i] -= write ? -1 : 1;
	}
	ios_done++;
	io->busy = false;
}

static bool io_range_free(uint32_t first, uint32_t count, bool write)
{
	for (uint32_t i = first; i < first + count; i++)
		if (users[i] < 0 || (write && users[i] > 0))
			return false;
	return true;
}

/* False if somebody is there; nothing is changed then. */
static bool io_submit(struct io *io, uint32_t first, uint32_t count, uint8_t op)
{
	bool write = op != BLKIF_OP_READ;

	if (!io_range_free(first, count, write))
		return false;
	for (uint32_t i = first; i < first + count; i++) {
		users[i] += write ? -1 : 1;
		if (!write)
			continue;
		generation[i] = (generation[i] & ~(uint32_t)DISCARDED) + 1;
		if (op == BLKIF_OP_DISCARD)
			generation[i] |= DISCARDED;
		sector_fill((uint64_t *)((char *)io->req.buf + (size_t)(i - first) * 512), i,
			    generation[i]);
	}
	io->req.op = op;
	io->req.sector = first;
	io->req.sectors = count;
	io->busy = true;
	return blkfront_submit(queue, &io->req) == 0;
}

static uint8_t op_random(void)
{
	static const uint8_t others[] = {BLKIF_OP_WRITE_BARRIER, BLKIF_OP_FLUSH_DISKCACHE,
					 BLKIF_OP_DISCARD};

	if (all_kinds && any(12) == 0)
		return others[any(3)];
	return any(2) ? BLKIF_OP_WRITE : BLKIF_OP_READ;
}

static void io_random(struct io *io)
{
	uint8_t op = op_random();
	bool blocks = any(2);
	uint32_t most = all_kinds && op != BLKIF_OP_WRITE_BARRIER ? IO_PAGES : 4;
	uint32_t count = blocks ? BLOCK * (1 + any(most)) : 1 + any(20);
	uint32_t first = any(sectors - count + 1);

	if (op == BLKIF_OP_FLUSH_DISKCACHE)
		first = count = 0;
	io_submit(io, blocks ? first / BLOCK * BLOCK : first, count, op);
}

static void wait_all(void)
{
	for (int i = 0; i < DEPTH; i++)
		while (ios[i].busy)
			if (blkfront_wait(queue, 20000) < 0)
				exit(1);
}

static void mix(time_t seconds)
{
	time_t end = time(NULL) + seconds;

	while (time(NULL) < end) {
		for (int i = 0; i < DEPTH; i++)
			if (!ios[i].busy)
				io_random(&ios[i]);
		blkfront_push(queue);
		if (blkfront_wait(queue, 20000) < 0)
			exit(1);
	}
	wait_all();
}

static void pass(uint32_t step, bool write)
{
	for (uint32_t at = 0; at < sectors; at += step) {
		if (!io_submit(&ios[0], at, step, write ? BLKIF_OP_WRITE : BLKIF_OP_READ))
			exit(1);
		blkfront_push(queue);
		wait_all();
	}
}

static void flush_done(struct blkfront_req *req, int err)
{
	*(int *)req->owner = err;
}

static int flush(void)
{
	int err = 1;
	struct blkfront_req req = {
		.op = BLKIF_OP_FLUSH_DISKCACHE, .done = flush_done, .owner = &err};

	if (blkfront_submit(queue, &req))
		return -1;
	blkfront_push(queue);
	while (err == 1)
		if (blkfront_wait(queue, 20000) < 0)
			return -1;
	return err;
}

static int save(const char *name)
{
	FILE *file = fopen(name, "w");
	uint64_t data[64];

	for (uint32_t i = 0; file && i < sectors; i++) {
		sector_fill(data, i, generation[i]);
		fwrite(data, sizeof(data), 1, file);
	}
	return file ? fclose(file) : -1;
}

static int prepare(struct guest *guest, int devid)
{
	struct blkfront_opts opts = {
		.buffer_pages = DEPTH * IO_PAGES,
		.ring_order = 2,
		.indirect = all_kinds ? 32 : 0,
		.persistent = persistent,
	};

	generation = calloc(sectors, sizeof(*generation));
	users = calloc(sectors, sizeof(*users));
	if (!generation || !users || guest_open(guest))
		return -1;
	bf = blkfront_open(guest, (unsigned int)devid, &opts);
	if (!bf)
		return -1;
	queue = blkfront_queue(bf, 0);
	for (int i = 0; i < DEPTH; i++)
		ios[i].req = (struct blkfront_req){
			.buf = blkfront_buffer(queue, (unsigned int)(i * IO_PAGES)),
			.done = io_done,
			.owner = &ios[i],
		};
	return 0;
}

int main(int argc, char **argv)
{
	int devid = argc >= 6 ? vdev_number(argv[1]) : -1;
	struct guest guest;

	for (int i = 6; i < argc; i++) {
		all_kinds |= strcmp(argv[i], "all") == 0;
		persistent |= strcmp(argv[i], "persistent") == 0;
	}
	sectors = argc >= 6 ? (uint32_t)strtoul(argv[3], NULL, 10) / BLOCK * BLOCK : 0;
	if (devid < 0 || sectors < IO_SECTORS) {
		fprintf(stderr,
			"usage: blkmix DISK SECONDS SECTORS SEED FILE [all] [persistent]\n");
		return 2;
	}
	seed = strtoull(argv[4], NULL, 10);
	if (prepare(&guest, devid))
		return 1;
	pass(BLOCK, true);
	mix(atoi(argv[2]));
	pass(1, false);
	pass(BLOCK, false);
	if (flush() || save(argv[5])) {
		fprintf(stderr, "blkmix: can't flush the disk or write %s\n", argv[5]);
		return 1;
	}
	printf("%llu %llu %llu\n", (unsigned long long)ios_done, (unsigned long long)checked,
	       (unsigned long long)wrong);
	blkfront_close(bf);
	guest_close(&guest);
	return wrong > 0;
}
