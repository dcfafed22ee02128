/* SPDX-License-Identifier: MIT */
/* The small reads and writes that a turn has for a store in memory.  See file_batch.c. */
#ifndef BLKBACK_FILE_BATCH_H
#define BLKBACK_FILE_BATCH_H

#include "blkback/disk.h"
#include "common/aio_ring.h"

enum {
	FILE_BATCH = 16 /* as many as a turn copies at a time: queue.h, REQUESTS_COPY */
};

/* Owned by its disk. */
struct file_batch {
	io_context_t context; /* NULL: there is none, nothing is put off */
	struct aio_ring *ring;
	int fd;
	struct disk_io *ios[FILE_BATCH];
	uint32_t count;
	void (*refused)(struct disk_io *io); /* what the store did not do whole */
};

/* Where all of fs.aio-max-nr is in use there is no context. */
void file_batch_open(struct file_batch *batch, int fd, void (*refused)(struct disk_io *io));
void file_batch_close(struct file_batch *batch);

/* Puts it off until the batch is full or run; false if it can't be. */
bool file_batch_add(struct file_batch *batch, struct disk_io *io);
/* Does what was put off: done() was called for each, or refused().  True if there was any. */
bool file_batch_run(struct file_batch *batch);

/* One read or write by a call of its own, which may block: bytes moved, or -1 and errno. */
ssize_t file_io_once(int fd, const struct disk_io *io);

#endif
