/* SPDX-License-Identifier: MIT */
/* The disks and NICs that blkback and netback serve, with what they have done.  See vbds.c. */
#ifndef HALFBACK_VBDS_H
#define HALFBACK_VBDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/stats_read.h"

struct vbd {
	const char *daemon; /* which of ours serves it */
	bool nic;	    /* it is none: a vif */
	uint32_t domid, devid;
	char kind[STATS_NAME_MAX];
	char path[96]; /* its backend directory */
	/* Of the store; "?" where it does not tell. */
	char *guest, *vdev, *image; /* of a NIC its interface and its bridge */
	char *error;		    /* why it is not served, one sentence; NULL if there is none */
	const char *state;	    /* as words */
	bool counted;		    /* it is connected, and below is what it has done */
	double seconds;		    /* in this time */
	double since_epoch;	    /* connected at, in seconds since 1970 */
	struct stats_snapshot stats;
	struct stats_queue sum; /* of all queues */
	/* Packets for the guest that found its interface's own queue full; -1: not known. */
	int64_t dropped;
};

/* By domid and devid.  Owned by the caller. */
struct vbds {
	struct vbd *vbd;
	size_t count;
};

/*
 * Collects all disks, or those of `guest` (its name or domid), or just its `disk` (its name or
 * number); either may be NULL.  0, or -1 after a sentence to standard error.
 */
int vbds_collect(struct vbds *vbds, const char *guest, const char *disk);
/* Waits so many seconds; then the numbers are of that time, and not since the disk connected. */
void vbds_wait(struct vbds *vbds, double seconds);
void vbds_free(struct vbds *vbds);

/* Has blkback make its image larger.  0, or -1 after a sentence.  resize.c */
int resize_vbd(const struct vbd *vbd, uint64_t bytes);

/* Has blkback's new program serve them: a guest's, or all.  0, or -1 after a sentence.  upgrade.c
 */
int upgrade_vbds(const struct vbds *vbds, bool all);

/* "halfback: ..." to standard error. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
