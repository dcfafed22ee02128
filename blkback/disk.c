// SPDX-License-Identifier: MIT
/*
 * Opens a disk: its engine, and over it what the store below can't do by itself, so that a queue
 * sees one kind of disk.
 */
#include "blkback/disk.h"

#include <errno.h>

#include "blkback/blockdev.h"

const struct disk_ops *disk_engine_ops(uint32_t engine)
{
	static const struct disk_ops *const engines[DISK_ENGINES] = {
		[DISK_URING] = &disk_uring,
		[DISK_AIO] = &disk_aio,
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
