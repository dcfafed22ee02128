/* SPDX-License-Identifier: MIT */
/* What the disk engines ask of the kernel when they are confined.  See disk_filters.c. */
#ifndef BLKBACK_DISK_FILTERS_H
#define BLKBACK_DISK_FILTERS_H

#include "common/filter.h"

/* The tables of all engines that a worker may have, by the way its loops wait; each ends with NULL.
 */
extern const struct filter *const disk_filters[2][6];

extern const struct filter disk_file_filter, disk_uring_filter, disk_aio_filter;
extern const struct filter file_batch_filter;
extern const struct filter blockdev_filter, nbd_filter;

#endif
