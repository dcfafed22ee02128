/* SPDX-License-Identifier: MIT */
/* What the kernel tells of a block device.  See blockdev.c. */
#ifndef BLKBACK_BLOCKDEV_H
#define BLKBACK_BLOCKDEV_H

#include <stdint.h>

#include "blkback/disk.h"

/*
 * Measures an open block device: its size in bytes, and in the spec its sectors and what it
 * discards; `discard` and `discard_secure` are set to what it can.  0 or -errno.
 */
int blockdev_measure(int fd, uint32_t major, uint32_t minor, struct disk_spec *spec,
		     uint64_t *bytes);

/* A disk over `below`, which it owns if it succeeds, with the discards of device `fd`.  0 or
 * -errno. */
int blockdev_disk_open(struct disk **disk, struct disk *below, int fd);

#endif
