/* SPDX-License-Identifier: MIT */
/* What the engines for files and block devices have in common.  See disk_file.c. */
#ifndef BLKBACK_DISK_FILE_H
#define BLKBACK_DISK_FILE_H

#include "blkback/file_batch.h"

/* A disk with one descriptor, which is the supervisor's. */
struct file_disk {
	struct disk disk; /* first */
	int fd;
	struct file_batch batch;
};

/*
 * Takes the descriptor to use from those given; `queue` is how the engine does an I/O.  0 or
 * -EINVAL.
 */
int file_disk_init(struct file_disk *file, const struct disk_ops *ops, struct loop *loop,
		   const struct disk_spec *spec, const int *fds, uint32_t nfds,
		   void (*queue)(struct disk_io *io));
void file_disk_free(struct file_disk *file);

/* The first step of submit().  False if the engine is to queue the I/O. */
bool file_io_start(struct disk *disk, struct disk_io *io);
/* disk_ops' settle(). */
bool file_disk_settle(struct disk *disk);

/*
 * `res` is what the kernel gave for an I/O: bytes moved, 0, or -errno.  True if what is left of it,
 * from io->offset + io->moved, is to be queued; else io->done() was called.
 */
bool file_io_continues(struct disk_io *io, int res);

#endif
