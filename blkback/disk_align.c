// SPDX-License-Identifier: MIT
/*
 * Disks of 512-byte sectors on a store that takes O_DIRECT in larger blocks only: a layer over
 * another engine.  What is aligned goes straight through.  What is not goes through a bounce
 * buffer: a read reads whole blocks, a write reads the blocks at its two ends, puts its data in and
 * writes whole blocks.
 *
 * The page cache would do this, too, but must not be mixed with O_DIRECT: an asynchronous direct
 * write to a block device does not drop the pages that somebody read meanwhile, so a neighbour's
 * read-ahead leaves an old block in the cache, and the next write of one sector writes that back.
 *
 * Two writes of one block, of which one is bounced, must not be under way together: the bounced
 * one would write back the rest of the block as it was.  They start in the order in which they
 * came.  So this layer has to see all writes of a disk, which therefore has one queue only.
 *
 * Owns the disk below and the bounce buffers; nothing is allocated after open.
 */
#include "blkback/disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	ALIGN_BOUNCES = 8, /* unaligned requests at a time; more wait */
	BOUNCE_HEAD = 1 << 0,
	BOUNCE_TAIL = 1 << 1,
	BOUNCE_DATA = 1 << 2,
};

struct align_disk;

/* One unaligned request on its way. */
struct bounce {
	struct disk_io io; /* first: ours, to the disk below */
	struct iovec iov;
	struct align_disk *align;
	struct disk_io *upper; /* NULL: free */
	uint64_t start, bytes; /* whole blocks */
	char *data;
	uint8_t todo;
};

struct align_disk {
	struct disk disk; /* first */
	struct disk *below;
	uint32_t block; /* bytes, a power of two */
	uint32_t bounced, waiting;
	TAILQ_HEAD(, disk_io) ios; /* as they came: bounced reads, all writes and discards */
	struct bounce bounces[ALIGN_BOUNCES];
	char *data;
};

static void align_end(struct align_disk *align, struct disk_io *io, int err);

static size_t bounce_size(const struct align_disk *align)
{
	return (size_t)DISK_IO_MAX + 2 * (size_t)align->block;
}

static uint64_t block_start(const struct align_disk *align, uint64_t at)
{
	return at & ~(uint64_t)(align->block - 1);
}

static uint64_t block_end(const struct align_disk *align, uint64_t at)
{
	return block_start(align, at + align->block - 1);
}

/* ---- one bounced request ---------------------------------------------------------------- */

static void bounce_copy(const struct bounce *bounce, bool in)
{
	const struct disk_io *upper = bounce->upper;
	char *at = bounce->data + (upper->offset - bounce->start);

	for (int i = 0; i < upper->iov_count; i++) {
		const struct iovec *iov = &upper->iov[i];

		if (in)
			memcpy(at, iov->iov_base, iov->iov_len);
		else
			memcpy(iov->iov_base, at, iov->iov_len);
		at += iov->iov_len;
	}
}

static void bounce_submit(struct bounce *bounce, enum disk_verb verb, uint64_t from, uint64_t bytes)
{
	struct disk *below = bounce->align->below;

	bounce->iov = (struct iovec){bounce->data + from, bytes};
	bounce->io.verb = verb;
	bounce->io.offset = bounce->start + from;
	bounce->io.bytes = bytes;
	bounce->io.iov = &bounce->iov;
	bounce->io.iov_count = 1;
	below->ops->submit(below, &bounce->io);
}

static void bounce_step(struct bounce *bounce)
{
	uint8_t step = bounce->todo & (uint8_t)-bounce->todo;
	uint32_t block = bounce->align->block;

	bounce->todo &= (uint8_t)~step;
	switch (step) {
	case BOUNCE_HEAD:
		bounce_submit(bounce, DISK_READ, 0, block);
		break;
	case BOUNCE_TAIL:
		bounce_submit(bounce, DISK_READ, bounce->bytes - block, block);
		break;
	default:
		if (bounce->upper->verb == DISK_WRITE)
			bounce_copy(bounce, true);
		bounce_submit(bounce, bounce->upper->verb, 0, bounce->bytes);
	}
}

static void bounce_done(struct disk_io *io, int err)
{
	struct bounce *bounce = (struct bounce *)io;
	struct disk_io *upper = bounce->upper;

	if (err == 0 && bounce->todo) {
		bounce_step(bounce);
		return;
	}
	if (err == 0 && upper->verb == DISK_READ)
		bounce_copy(bounce, false);
	bounce->upper = NULL;
	align_end(bounce->align, upper, err);
}

static void bounce_start(struct bounce *bounce, struct disk_io *upper)
{
	const struct align_disk *align = bounce->align;
	uint64_t end = upper->offset + upper->bytes;

	bounce->upper = upper;
	bounce->start = block_start(align, upper->offset);
	bounce->bytes = block_end(align, end) - bounce->start;
	bounce->todo = BOUNCE_DATA;
	if (upper->verb == DISK_WRITE && bounce->start != upper->offset)
		bounce->todo |= BOUNCE_HEAD;
	if (upper->verb == DISK_WRITE && block_start(align, end) != end &&
	    (bounce->bytes > align->block || !(bounce->todo & BOUNCE_HEAD)))
		bounce->todo |= BOUNCE_TAIL;
	bounce_step(bounce);
}

static struct bounce *bounce_free(struct align_disk *align)
{
	for (int i = 0; i < ALIGN_BOUNCES; i++)
		if (!align->bounces[i].upper)
			return &align->bounces[i];
	return NULL;
}

/* ---- who may start ---------------------------------------------------------------------- */

static bool io_conflict(const struct align_disk *align, const struct disk_io *a,
			const struct disk_io *b)
{
	return a->verb != DISK_READ && b->verb != DISK_READ && (a->bounced || b->bounced) &&
	       block_start(align, a->offset) < block_end(align, b->offset + b->bytes) &&
	       block_start(align, b->offset) < block_end(align, a->offset + a->bytes);
}

static bool io_may_start(struct align_disk *align, const struct disk_io *io)
{
	const struct disk_io *earlier;

	if (align->bounced == 0)
		return true;
	if (io->bounced && !bounce_free(align))
		return false;
	TAILQ_FOREACH (earlier, &align->ios, link) {
		if (earlier == io)
			break;
		if (io_conflict(align, earlier, io))
			return false;
	}
	return true;
}

static void direct_done(struct disk_io *io, int err)
{
	io->done = io->upper;
	align_end((struct align_disk *)io->layer, io, err);
}

static void io_start(struct align_disk *align, struct disk_io *io)
{
	io->waiting = false;
	align->waiting--;
	if (io->bounced) {
		bounce_start(bounce_free(align), io);
		return;
	}
	io->upper = io->done;
	io->layer = &align->disk;
	io->done = direct_done;
	align->below->ops->submit(align->below, io);
}

/* Looks from the start each time: what it starts may be done at once. */
static bool align_start_one(struct align_disk *align)
{
	struct disk_io *io;

	TAILQ_FOREACH (io, &align->ios, link) {
		if (!io->waiting || !io_may_start(align, io))
			continue;
		io_start(align, io);
		return true;
	}
	return false;
}

static void align_end(struct align_disk *align, struct disk_io *io, int err)
{
	TAILQ_REMOVE(&align->ios, io, link);
	align->bounced -= io->bounced;
	while (align->waiting > 0 && align_start_one(align))
		;
	io->done(io, err);
}

/* ---- the engine ------------------------------------------------------------------------- */

static bool io_aligned(const struct align_disk *align, const struct disk_io *io)
{
	uint64_t bits = io->offset;

	for (int i = 0; i < io->iov_count; i++)
		bits |= (uint64_t)(uintptr_t)io->iov[i].iov_base | io->iov[i].iov_len;
	return (bits & (align->block - 1)) == 0;
}

static void align_submit(struct disk *disk, struct disk_io *io)
{
	struct align_disk *align = (struct align_disk *)disk;
	bool data = io->verb == DISK_READ || io->verb == DISK_WRITE;

	io->bounced = data && !io_aligned(align, io);
	if (io->verb == DISK_FLUSH || (io->verb == DISK_READ && !io->bounced)) {
		align->below->ops->submit(align->below, io);
		return;
	}
	io->waiting = true;
	align->waiting++;
	align->bounced += io->bounced;
	TAILQ_INSERT_TAIL(&align->ios, io, link);
	if (io_may_start(align, io))
		io_start(align, io);
}

static void align_close(struct disk *disk)
{
	struct align_disk *align = (struct align_disk *)disk;

	align->below->ops->close(align->below);
	if (align->data)
		munmap(align->data, ALIGN_BOUNCES * bounce_size(align));
	free(align);
}

static const struct disk_ops disk_align = {
	.name = "align",
	.submit = align_submit,
	.close = align_close,
};

/* Pages that no unaligned request ever used are never there. */
static int align_alloc(struct align_disk *align)
{
	void *data = mmap(NULL, ALIGN_BOUNCES * bounce_size(align), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (data == MAP_FAILED)
		return -ENOMEM;
	align->data = data;
	for (int i = 0; i < ALIGN_BOUNCES; i++) {
		align->bounces[i].align = align;
		align->bounces[i].data = align->data + (size_t)i * bounce_size(align);
		align->bounces[i].io.done = bounce_done;
	}
	return 0;
}

int disk_align_open(struct disk **disk, struct disk *below)
{
	struct align_disk *align = calloc(1, sizeof(*align));

	if (!align)
		return -ENOMEM;
	align->disk = (struct disk){.ops = &disk_align, .loop = below->loop, .spec = below->spec};
	align->below = below;
	align->block = below->spec.direct_align;
	TAILQ_INIT(&align->ios);
	if (align_alloc(align) < 0) {
		free(align);
		return -ENOMEM;
	}
	*disk = &align->disk;
	return 0;
}
