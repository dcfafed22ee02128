// SPDX-License-Identifier: MIT
/*
 * Raw files and block devices by io_uring, on the worker's own loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>

#include "blkback/disk_file.h"
#include "blkback/disk_filters.h"

static void uring_done(struct op *op, int res, uint32_t cqe_flags);

static void uring_queue(struct disk_io *io)
{
	struct disk *disk = io->disk;
	struct io_uring_sqe *sqe = loop_sqe(disk->loop, &io->op);
	int fd = ((const struct file_disk *)disk)->fd;
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
	/* Linux 6.18 takes a file that can be polled, as FUSE's can, for one that does not block,
	 * and then waits for the server in io_uring_enter. */
	if (disk->spec.never_at_once)
		sqe->flags |= IOSQE_ASYNC;
	io_uring_sqe_set_data(sqe, &io->op);
}

static void uring_submit(struct disk *disk, struct disk_io *io)
{
	io->op.done = uring_done;
	if (file_io_start(disk, io))
		return;
	uring_queue(io);
	/* What the kernel's threads do while we do the next can't wait for the turn's end. */
	if (disk->spec.in_memory && io->more)
		loop_submit(disk->loop);
}

static void uring_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct disk_io *io = (struct disk_io *)op;

	(void)cqe_flags;
	io->disk->loop->io--;
	if (file_io_continues(io, res))
		uring_queue(io);
}

static int uring_open(struct disk **disk, struct loop *loop, const struct disk_spec *spec,
		      const int *fds, uint32_t nfds, uint32_t queue)
{
	struct file_disk *file = calloc(1, sizeof(*file));
	int err;

	(void)queue;
	if (!file)
		return -ENOMEM;
	err = file_disk_init(file, &disk_uring, loop, spec, fds, nfds, uring_queue);
	if (err < 0) {
		free(file);
		return err;
	}
	*disk = &file->disk;
	return 0;
}

static void uring_close(struct disk *disk)
{
	file_disk_free((struct file_disk *)disk);
}

static const uint8_t disk_uring_ops[] = {
	IORING_OP_READ,	  IORING_OP_READV, IORING_OP_WRITE,
	IORING_OP_WRITEV, IORING_OP_FSYNC, IORING_OP_FALLOCATE,
};

const struct filter disk_uring_filter = {FILTER_OPS(disk_uring_ops), .sqe_flags = IOSQE_ASYNC};

const struct disk_ops disk_uring = {
	.name = "uring",
	.open = uring_open,
	.submit = uring_submit,
	.close = uring_close,
};
