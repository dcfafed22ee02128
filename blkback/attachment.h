/* SPDX-License-Identifier: MIT */
/* A device's image, and its size as the guest knows it.  See attachment.c. */
#ifndef BLKBACK_ATTACHMENT_H
#define BLKBACK_ATTACHMENT_H

#include "blkback/image.h"
#include "common/limit.h"
#include "common/sup.h"

enum {
	GROW_ID_MAX = 24
};

/* device->private; made by the offer, freed by the release.  Its image is open meanwhile. */
struct attachment {
	struct image image; /* first */
	struct device *device;
	bool cdrom, removable;
	struct limit_spec limit; /* as the worker knows it */
	uint64_t told;		 /* sectors that the guest knows of */
	uint64_t shrunk; /* bytes of the image when we said that it shrank; UINT64_MAX: not said */
	int file;	 /* its number in the sizewatch; negative: none */
	char why[256];	 /* why a connect failed */
	uint64_t grow_bytes;	   /* what it is being grown to */
	char grow_id[GROW_ID_MAX]; /* for whom; "": it is not */
};

/*
 * From now on the image's growth is noticed.  What can't be watched is said in the log, and can
 * still be told by the node `resize`.
 */
void attachment_watch(struct attachment *a);
void attachment_unwatch(struct attachment *a);

/*
 * A connection that is gone on with: its guest knows of the size that the store still has.  Before
 * attachment_watch().
 */
void attachment_recall(struct attachment *a);

/* blkback_backend's look and resize. */
void attachment_look(struct device *device);
bool attachment_resize(struct device *device, struct chan_msg *msg);

#endif
