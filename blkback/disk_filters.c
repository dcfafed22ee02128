// SPDX-License-Identifier: MIT
/*
 * A worker is confined before it hears of its first disk, so it may do what any engine does.  Each
 * engine has its table beside its code.
 */
#include "blkback/disk_filters.h"

const struct filter *const disk_filters[2][6] = {
	[LOOP_URING] = {&disk_file_filter, &disk_uring_filter, &blockdev_filter, &nbd_filter},
	[LOOP_EPOLL] = {&disk_file_filter, &file_batch_filter, &disk_aio_filter, &blockdev_filter,
			&nbd_filter},
};
