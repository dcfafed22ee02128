// SPDX-License-Identifier: MIT
/*
 * The small reads and writes of a turn, on a store in memory, by one system call.
 *
 * Such a store answers at once, and so within io_submit(2): it copies, and the events are there
 * when the call returns.  Nothing is ever left to wait for, so the loop need not know of it.  One
 * alone is a preadv or pwritev, which costs less than an io_submit of one.
 *
 * Only where the loop waits by libaio anyway.  A process that dies with a context of it stays until
 * two grace periods of the kernel's RCU are over (exit_aio()), 26 ms and more; with io_uring no
 * guest waits so long for its next worker.
 *
 * It must not keep anything beyond the turn that put it off: queue_answer() runs it (disk_settle).
 */
#include "blkback/file_batch.h"

#include <string.h>

#include "blkback/disk_filters.h"
#include "common/log.h"

void file_batch_open(struct file_batch *batch, int fd, void (*refused)(struct disk_io *io))
{
	memset(batch, 0, sizeof(*batch));
	batch->fd = fd;
	batch->refused = refused;
	if (aio_ring_open(&batch->context, &batch->ring, FILE_BATCH) < 0)
		batch->context = NULL;
}

void file_batch_close(struct file_batch *batch)
{
	if (batch->context)
		io_destroy(batch->context);
	batch->context = NULL;
}

bool file_batch_add(struct file_batch *batch, struct disk_io *io)
{
	if (!batch->context)
		return false;
	batch->ios[batch->count++] = io;
	if (batch->count == FILE_BATCH)
		file_batch_run(batch);
	return true;
}

static void batch_done(struct file_batch *batch, struct disk_io *io, long res)
{
	if (res == (long)io->bytes)
		io->done(io, 0);
	else
		batch->refused(io);
}

static void batch_prepare(const struct file_batch *batch, struct disk_io *io)
{
	struct iocb *iocb = &io->aio.iocb;

	if (io->verb == DISK_READ)
		io_prep_preadv(iocb, batch->fd, io->iov, io->iov_count, (long long)io->offset);
	else
		io_prep_pwritev(iocb, batch->fd, io->iov, io->iov_count, (long long)io->offset);
	iocb->data = io;
}

/* How many of them the kernel took, and did. */
static uint32_t batch_submit(const struct file_batch *batch, struct disk_io **ios, uint32_t count)
{
	struct iocb *iocbs[FILE_BATCH];
	uint32_t taken = 0;

	for (uint32_t i = 0; i < count; i++) {
		batch_prepare(batch, ios[i]);
		iocbs[i] = &ios[i]->aio.iocb;
	}
	while (taken < count) {
		int n = io_submit(batch->context, count - taken, iocbs + taken);

		if (n <= 0)
			break;
		taken += (uint32_t)n;
	}
	return taken;
}

ssize_t file_io_once(int fd, const struct disk_io *io)
{
	return io->verb == DISK_READ ? preadv(fd, io->iov, io->iov_count, (off_t)io->offset)
				     : pwritev(fd, io->iov, io->iov_count, (off_t)io->offset);
}

bool file_batch_run(struct file_batch *batch)
{
	struct disk_io *ios[FILE_BATCH];
	struct io_event events[FILE_BATCH];
	uint32_t count = batch->count, taken;

	if (count == 0)
		return false;
	/* What done() does may add more, and run it. */
	for (uint32_t i = 0; i < count; i++)
		ios[i] = batch->ios[i];
	batch->count = 0;
	if (count == 1) {
		batch_done(batch, ios[0], file_io_once(batch->fd, ios[0]));
		return true;
	}
	taken = batch_submit(batch, ios, count);
	for (uint32_t i = 0; i < taken; i++)
		if (!aio_ring_take(batch->ring, &events[i]))
			log_panic("a store in memory did not answer at once");
	for (uint32_t i = 0; i < taken; i++)
		batch_done(batch, events[i].data, (long)events[i].res);
	for (uint32_t i = taken; i < count; i++)
		batch->refused(ios[i]);
	return true;
}

static const struct filter_rule batch_rules[] = {
	FILTER_INT(io_setup, 0, FILE_BATCH),
	FILTER_ALLOW(io_destroy),
	FILTER_ALLOW(io_submit),
};

const struct filter file_batch_filter = {FILTER_RULES(batch_rules)};
