// SPDX-License-Identifier: MIT
/*
 * All I/O of a disk goes through one descriptor, the last of those given: O_DIRECT if the store has
 * it, else the page cache.  Never both: see disk_align.c.
 *
 * Short reads and writes go on where they stopped.  A read that gives nothing lies past the end of
 * an image that somebody shrank: an error, never old buffer contents.
 */
#include "blkback/disk_file.h"

#include <errno.h>
#include <stdlib.h>

#include "blkback/disk_filters.h"

enum {
	AT_ONCE_MAX =
		131072,	     /* bytes; a turn must not take too long for the thread's other rings */
	PUT_OFF_MAX = 16384, /* bytes up to which a system call costs enough to be shared */
	SHARED_MIN = 65536,  /* bytes that are worth waking a thread of the kernel */
	SHARED = 6,	     /* I/Os, at most, that these have at a time */
};

int file_disk_init(struct file_disk *file, const struct disk_ops *ops, struct loop *loop,
		   const struct disk_spec *spec, const int *fds, uint32_t nfds,
		   void (*queue)(struct disk_io *io))
{
	if (nfds < 1 || nfds > 2)
		return -EINVAL;
	file->disk = (struct disk){.ops = ops, .loop = loop, .spec = *spec};
	file->fd = fds[nfds - 1];
	/* With io_uring nothing else of a worker is libaio's: see file_batch.c. */
	if (spec->in_memory && loop->way == LOOP_EPOLL)
		file_batch_open(&file->batch, file->fd, queue);
	return 0;
}

void file_disk_free(struct file_disk *file)
{
	file_batch_close(&file->batch);
	free(file);
}

/*
 * A store in memory answers at once, but neither io_uring nor RWF_NOWAIT can know that (tmpfs has
 * no FMODE_NOWAIT) and leave the I/O to a thread: waking that costs several times what the copy
 * does.
 */
static bool file_io_now(const struct file_disk *file, struct disk_io *io)
{
	ssize_t n = file_io_once(file->fd, io);

	if (n != (ssize_t)io->bytes)
		return false; /* the engine shall find out why */
	io->done(io, 0);
	return true;
}

/*
 * While we copy one large I/O, threads of the kernel can do others, on other processors; the last
 * one of a turn is ours.
 */
static bool file_io_shared(const struct disk *disk, const struct disk_io *io)
{
	return io->more && io->bytes >= SHARED_MIN && disk->loop->io < SHARED;
}

bool file_io_start(struct disk *disk, struct disk_io *io)
{
	struct file_disk *file = (struct file_disk *)disk;
	bool data = io->verb == DISK_READ || io->verb == DISK_WRITE;

	io->disk = disk;
	io->moved = 0;
	if (!data || !disk->spec.in_memory || io->bytes > AT_ONCE_MAX || file_io_shared(disk, io))
		return false;
	if (io->bytes <= PUT_OFF_MAX && file_batch_add(&file->batch, io))
		return true;
	return file_io_now(file, io);
}

bool file_disk_settle(struct disk *disk)
{
	return file_batch_run(&((struct file_disk *)disk)->batch);
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
static bool file_torn(const struct disk *disk, uint64_t moved)
{
	return disk->spec.direct_align && moved & (disk->spec.direct_align - 1);
}

bool file_io_continues(struct disk_io *io, int res)
{
	if (res == -EINTR || res == -EAGAIN)
		return true;
	if (res < 0 || io->verb == DISK_FLUSH || io->verb == DISK_DISCARD) {
		io->done(io, res < 0 ? res : 0);
		return false;
	}
	io->moved += (uint64_t)res;
	if (io->moved == io->bytes) {
		io->done(io, 0);
		return false;
	}
	if (res == 0 || file_torn(io->disk, io->moved)) {
		io->done(io, -EIO);
		return false;
	}
	iov_advance(io, (uint64_t)res);
	return true;
}

static const struct filter_rule file_rules[] = {
	FILTER_ALLOW(preadv),
	FILTER_ALLOW(pwritev),
};

const struct filter disk_file_filter = {FILTER_RULES(file_rules)};
