/* SPDX-License-Identifier: MIT */
/* The locks of an image that was just opened.  See image_lock.c. */
#ifndef BLKBACK_IMAGE_LOCK_H
#define BLKBACK_IMAGE_LOCK_H

#include "blkback/image.h"

/* Locks of the data, on its first descriptor.  0 or -errno. */
int image_lock(const struct image *image);
/* The lock of direct I/O, on its second one, if it has one; reads need none.  0 or -errno. */
int image_lock_direct(const struct image *image);

#endif
