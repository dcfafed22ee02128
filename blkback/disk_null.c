// SPDX-License-Identifier: MIT
/*
 * A disk that stores nothing: what it costs to serve a request, without the cost of any storage.
 * Reads give zeros, writes vanish.
 */
#include "blkback/disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int null_open(struct disk **disk, struct loop *loop, const struct disk_spec *spec,
		     const int *fds, uint32_t nfds, uint32_t queue)
{
	struct disk *null = calloc(1, sizeof(*null));

	(void)fds;
	(void)queue;
	if (!null)
		return -ENOMEM;
	if (nfds != 0) {
		free(null);
		return -EINVAL;
	}
	*null = (struct disk){.ops = &disk_null, .loop = loop, .spec = *spec};
	*disk = null;
	return 0;
}

static void null_submit(struct disk *disk, struct disk_io *io)
{
	(void)disk;
	/* Not what the buffer held before: that may be another request's data. */
	if (io->verb == DISK_READ)
		for (int i = 0; i < io->iov_count; i++)
			memset(io->iov[i].iov_base, 0, io->iov[i].iov_len);
	io->done(io, 0);
}

static void null_close(struct disk *disk)
{
	free(disk);
}

const struct disk_ops disk_null = {
	.name = "null",
	.open = null_open,
	.submit = null_submit,
	.close = null_close,
};
