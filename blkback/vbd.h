/* SPDX-License-Identifier: MIT */
/* A virtual disk in its worker.  See vbd.c. */
#ifndef BLKBACK_VBD_H
#define BLKBACK_VBD_H

#include "blkback/disk.h"
#include "blkback/queue.h"
#include "common/resume.h"
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
	uint32_t resume;     /* an earlier worker was at these rings: go on by its journal */
	uint32_t suspect;    /* and it was not merely killed: it died of what it did */
	uint32_t queues;
	struct queue_nodes nodes[VBD_QUEUES_MAX];
};

/* The body of CHAN_RESIZE. */
struct vbd_resize {
	uint64_t sectors;
};

_Static_assert(sizeof(struct vbd_connect) <= CHAN_BODY_MAX, "a CONNECT fits a message");

/* Bytes of the journal of such a connection: resume.h's header, then each queue's part. */
size_t vbd_journal_bytes(const struct vbd_connect *connect);

extern const struct worker_ops vbd_worker_ops;

#endif
