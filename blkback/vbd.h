/* SPDX-License-Identifier: MIT */
/* A virtual disk in its worker.  See vbd.c. */
#ifndef BLKBACK_VBD_H
#define BLKBACK_VBD_H

#include "blkback/blkring.h"
#include "blkback/disk.h"
#include "common/worker.h"

/* The body of CHAN_CONNECT; its fds are the disk's. */
struct vbd_connect {
	struct disk_spec disk;
	uint32_t abi; /* enum abi_name */
	uint32_t ring_order;
	uint32_t ring_refs[BLKRING_PAGES_MAX];
	uint32_t event_channel;
	uint32_t resume; /* the ring was left in order by an earlier worker: go on with it */
};

_Static_assert(sizeof(struct vbd_connect) <= CHAN_BODY_MAX, "a CONNECT fits a message");

extern const struct worker_ops vbd_worker_ops;

#endif
