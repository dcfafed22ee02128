// SPDX-License-Identifier: MIT
/*
 * Raw files and block devices by io_uring, on the worker's own loop.
 *
 * All I/O of a disk goes through one descriptor, the last of those given: O_DIRECT if the store has
 * it, else the page cache.  Never both: see disk_align.c.
 *
 * Short reads and writes go on where they stopped.  A read that gives nothing lies past the end of
 * an image that somebody shrank: an error, never old buffer contents.
 */
#include "blkback/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>

#include "blkback/blockdev.h"

enum {
	AT_ONCE_MAX = 131072 /* bytes; a turn must not take too long for the thread's other rings */
};

struct uring_disk {
	struct disk disk;
	int fd;
};

static void uring_done(struct op *op, int res, uint32_t cqe_flags);

static void uring_queue(struct disk *disk, struct disk_io *io)
{
	struct io_uring_sqe *sqe = loop_sqe(disk->loop, &io->op);
	int fd = ((const struct uring_disk *)disk)->fd;
	uint64_t at = io->offset + io->moved;
	bool one = io->iov_count == 1;

	disk->loop->io++;
	switch (io->verb) {
	case DISK_READ:
		if (one)
			io_uring_prep_read(sqe, fd, io->iov->iov_base,
					   (unsigned int)io->iov->iov_len, at);
		else
			io_uring_prep_readv(sqe, fd, io->iov, (unsigned int)io->iov_count, at);
		break;
	case DISK_WRITE:
		if (one)
			io_uring_prep_write(sqe, fd, io->iov->iov_base,
					    (unsigned int)io->iov->iov_len, at);
		else
			io_uring_prep_writev(sqe, fd, io->iov, (unsigned int)io->iov_count, at);
		break;
	case DISK_FLUSH:
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
		break;
	case DISK_DISCARD:
		io_uring_prep_fallocate(sqe, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					(off_t)io->offset, (off_t)io->bytes);
		break;
	}
	io_uring_sqe_set_data(sqe, &io->op);
}

/*
 * A store in memory answers at once, but io_uring can't know that and hands the I/O to a thread of
 * the kernel (tmpfs has no FMODE_NOWAIT): waking that costs several times what the copy does.
 */
static void uring_at_once(struct disk *disk, struct disk_io *io)
{
	int fd = ((const struct uring_disk *)disk)->fd;
	ssize_t n = io->verb == DISK_READ ? preadv(fd, io->iov, io->iov_count, (off_t)io->offset)
					  : pwritev(fd, io->iov, io->iov_count, (off_t)io->offset);

	if (n == (ssize_t)io->bytes)
		io->done(io, 0);
	else
		uring_queue(disk, io); /* it shall find out why */
}

static void uring_submit(struct disk *disk, struct disk_io *io)
{
	bool data = io->verb == DISK_READ || io->verb == DISK_WRITE;

	io->op.done = uring_done;
	io->disk = disk;
	io->moved = 0;
	if (data && disk->spec.in_memory && io->bytes <= AT_ONCE_MAX)
		uring_at_once(disk, io);
	else
		uring_queue(disk, io);
}

/* Takes `n` bytes off the front of the pieces. */
static void iov_advance(struct disk_io *io, uint64_t n)
{
	int i = 0;

	while (n > 0 && n >= io->iov[i].iov_len)
		n -= io->iov[i++].iov_len;
	io->iov_count -= i;
	for (int k = 0; k < io->iov_count; k++)
		io->iov[k] = io->iov[k + i];
	if (n > 0) {
		io->iov[0].iov_base = (char *)io->iov[0].iov_base + n;
		io->iov[0].iov_len -= n;
	}
}

/* O_DIRECT stops within a block only where the image ends: there is no more. */
static bool uring_torn(const struct disk *disk, uint64_t moved)
{
	return disk->spec.direct_align && moved & (disk->spec.direct_align - 1);
}

static void uring_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct disk_io *io = (struct disk_io *)op;

	(void)cqe_flags;
	io->disk->loop->io--;
	if (res == -EINTR || res == -EAGAIN) {
		uring_queue(io->disk, io);
		return;
	}
	if (res < 0 || io->verb == DISK_FLUSH || io->verb == DISK_DISCARD) {
		io->done(io, res < 0 ? res : 0);
		return;
	}
	io->moved += (uint64_t)res;
	if (io->moved == io->bytes) {
		io->done(io, 0);
	} else if (res == 0 || uring_torn(io->disk, io->moved)) {
		io->done(io, -EIO);
	} else {
		iov_advance(io, (uint64_t)res);
		uring_queue(io->disk, io);
	}
}

static int uring_open(struct disk **disk, struct loop *loop, const struct disk_spec *spec,
		      const int *fds, uint32_t nfds, uint32_t queue)
{
	struct uring_disk *u;

	(void)queue;
	if (nfds < 1 || nfds > 2)
		return -EINVAL;
	u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->disk = (struct disk){.ops = &disk_uring, .loop = loop, .spec = *spec};
	u->fd = fds[nfds - 1];
	*disk = &u->disk;
	return 0;
}

static void uring_close(struct disk *disk)
{
	free(disk);
}

const struct disk_ops disk_uring = {
	.name = "uring",
	.open = uring_open,
	.submit = uring_submit,
	.close = uring_close,
};

const struct disk_ops *disk_engine_ops(uint32_t engine)
{
	static const struct disk_ops *const engines[DISK_ENGINES] = {
		[DISK_URING] = &disk_uring,
		[DISK_NULL] = &disk_null,
		[DISK_NBD] = &disk_nbd,
	};

	return engine < DISK_ENGINES ? engines[engine] : NULL;
}

int disk_open(struct disk **disk, struct loop *loop, const struct disk_spec *spec, const int *fds,
	      uint32_t nfds, uint32_t queue)
{
	const struct disk_ops *ops = disk_engine_ops(spec->engine);
	uint32_t align = spec->direct_align;
	int err;

	if (!ops || align & (align - 1) || align > DISK_ALIGN_MAX)
		return -EINVAL;
	err = ops->open(disk, loop, spec, fds, nfds, queue);
	if (err < 0)
		return err;
	if (spec->block_device && spec->discard)
		err = blockdev_disk_open(disk, *disk, fds[0]);
	if (err == 0 && spec->direct_align > DISK_SECTOR)
		err = disk_align_open(disk, *disk);
	if (err < 0)
		(*disk)->ops->close(*disk);
	return err;
}
