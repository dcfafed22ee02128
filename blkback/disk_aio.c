// SPDX-License-Identifier: MIT
/*
 * Raw files and block devices by libaio and threads, for loops without io_uring.
 *
 * io_submit must not block the loop: it does for I/O through the page cache, and for O_DIRECT where
 * blocks have to be allocated or a device's queue is full.  So reads and writes are tried with
 * RWF_NOWAIT, all of a turn by one system call; what would block (EAGAIN) is done by a thread, as
 * io_uring does it in the kernel.  Where a store has no RWF_NOWAIT, O_DIRECT goes without it, which
 * seldom blocks, and the page cache is left to the threads.  A flush is the kernel's work queue's
 * (IOCB_CMD_FDSYNC, since 4.18), a discard a thread's: there is none in libaio.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <unistd.h>

#include "blkback/disk_file.h"
#include "blkback/disk_filters.h"
#include "common/aio.h"

enum {
	AIO_THREADS = 8, /* of a disk; they stay until it closes */
};

enum aio_how {
	AIO_NOWAIT,
	AIO_PLAIN,
	AIO_THREAD
};

struct aio_disk {
	struct file_disk file; /* first */
	struct offload offload;
	enum aio_how how[DISK_DISCARD + 1]; /* by verb; as far as the store was found to allow */
};

static void aio_io_queue(struct disk_io *io);

static bool aio_is_direct(const struct aio_disk *a)
{
	return a->file.disk.spec.direct_align > 0;
}

/* ---- by threads ------------------------------------------------------------------------- */

static int aio_thread_run(struct offload_job *job)
{
	const struct disk_io *io = (const struct disk_io *)job;
	int fd = ((const struct file_disk *)io->disk)->fd;
	off_t at = (off_t)(io->offset + io->moved);
	ssize_t n = -1;

	switch (io->verb) {
	case DISK_READ:
		n = preadv(fd, io->iov, io->iov_count, at);
		break;
	case DISK_WRITE:
		n = pwritev(fd, io->iov, io->iov_count, at);
		break;
	case DISK_FLUSH:
		n = fdatasync(fd);
		break;
	case DISK_DISCARD:
		n = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, (off_t)io->bytes);
		break;
	}
	return n < 0 ? -errno : (int)n;
}

static void aio_thread_done(struct offload_job *job, int res)
{
	struct disk_io *io = (struct disk_io *)job;

	if (file_io_continues(io, res))
		aio_io_queue(io);
}

static void aio_thread_queue(struct aio_disk *a, struct disk_io *io)
{
	io->job.run = aio_thread_run;
	io->job.done = aio_thread_done;
	offload_run(&a->offload, &io->job);
}

/* ---- by libaio -------------------------------------------------------------------------- */

static void aio_io_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct disk_io *io = (struct disk_io *)op;
	struct aio_disk *a = (struct aio_disk *)io->disk;
	bool nowait = io->aio.iocb.aio_rw_flags & RWF_NOWAIT;

	(void)cqe_flags;
	io->disk->loop->io--;
	if (res == -EAGAIN) {
		aio_thread_queue(a, io);
		return;
	}
	if ((nowait && res == -EOPNOTSUPP) || (io->verb == DISK_FLUSH && res == -EINVAL)) {
		a->how[io->verb] = nowait && aio_is_direct(a) ? AIO_PLAIN : AIO_THREAD;
		aio_io_queue(io);
	} else if (file_io_continues(io, res)) {
		aio_io_queue(io);
	}
}

static void aio_prepare(struct disk_io *io, int fd)
{
	struct iocb *iocb = &io->aio.iocb;
	long long at = (long long)io->offset + (long long)io->moved;

	if (io->verb == DISK_FLUSH)
		io_prep_fdsync(iocb, fd);
	else if (io->verb == DISK_READ)
		io_prep_preadv(iocb, fd, io->iov, io->iov_count, at);
	else
		io_prep_pwritev(iocb, fd, io->iov, io->iov_count, at);
}

static void aio_io_queue(struct disk_io *io)
{
	struct aio_disk *a = (struct aio_disk *)io->disk;
	enum aio_how how = a->how[io->verb];

	if (how == AIO_THREAD) {
		aio_thread_queue(a, io);
		return;
	}
	aio_prepare(io, a->file.fd);
	if (how == AIO_NOWAIT)
		io->aio.iocb.aio_rw_flags = RWF_NOWAIT;
	io->op.done = aio_io_done;
	io->disk->loop->io++;
	/* Through the page cache it is done at once, or it is EAGAIN. */
	aio_queue(io->disk->loop, &io->aio, how == AIO_NOWAIT && !aio_is_direct(a));
}

/* ---- the engine ------------------------------------------------------------------------- */

static void aio_submit_io(struct disk *disk, struct disk_io *io)
{
	if (!file_io_start(disk, io))
		aio_io_queue(io);
}

static int aio_disk_open(struct disk **disk, struct loop *loop, const struct disk_spec *spec,
			 const int *fds, uint32_t nfds, uint32_t queue)
{
	struct aio_disk *a = calloc(1, sizeof(*a));
	bool threads = aio_open(loop) < 0;
	int err;

	(void)queue;
	if (!a)
		return -ENOMEM;
	a->how[DISK_READ] = a->how[DISK_WRITE] = threads ? AIO_THREAD : AIO_NOWAIT;
	a->how[DISK_FLUSH] = threads ? AIO_THREAD : AIO_PLAIN;
	a->how[DISK_DISCARD] = AIO_THREAD;
	err = file_disk_init(&a->file, &disk_aio, loop, spec, fds, nfds, aio_io_queue);
	if (err == 0)
		err = offload_init(&a->offload, loop, AIO_THREADS, AIO_THREADS);
	if (err < 0) {
		file_disk_free(&a->file);
		return err;
	}
	*disk = &a->file.disk;
	return 0;
}

static void aio_disk_close(struct disk *disk)
{
	struct aio_disk *a = (struct aio_disk *)disk;

	offload_free(&a->offload);
	file_disk_free(&a->file);
}

const struct disk_ops disk_aio = {
	.name = "aio",
	.open = aio_disk_open,
	.submit = aio_submit_io,
	.settle = file_disk_settle,
	.close = aio_disk_close,
};

static const struct filter_rule disk_aio_rules[] = {
	FILTER_ALLOW(fdatasync),
	FILTER_INT(fallocate, 1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE),
};

const struct filter disk_aio_filter = {FILTER_RULES(disk_aio_rules)};
