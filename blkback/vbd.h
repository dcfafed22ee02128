/* SPDX-License-Identifier: MIT */
/* A virtual disk in its worker.  See vbd.c. */
#ifndef BLKBACK_VBD_H
#define BLKBACK_VBD_H

#include "blkback/disk.h"
#include "blkback/queue.h"
#include "common/worker.h"

enum {
	VBD_QUEUES_MAX = THREADS_MAX
};

/* The body of CHAN_CONNECT; its fds are the disk's.  That of CHAN_TUNE is a limit_spec. */
struct vbd_connect {
	struct disk_spec disk;
	struct limit_spec limit;
	uint32_t abi; /* enum abi_name */
	uint32_t ring_order;
	uint32_t persistent; /* the guest uses persistent grants, as we offered */
	uint32_t resume; /* the rings were left in order by an earlier worker: go on with them */
	uint32_t queues;
	struct queue_nodes nodes[VBD_QUEUES_MAX];
};

/* The body of CHAN_RESIZE. */
struct vbd_resize {
	uint64_t sectors;
};

_Static_assert(sizeof(struct vbd_connect) <= CHAN_BODY_MAX, "a CONNECT fits a message");

extern const struct worker_ops vbd_worker_ops;

#endif
