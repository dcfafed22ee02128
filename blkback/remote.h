/* SPDX-License-Identifier: MIT */
/* The supervisor's side of a disk that is served by NBD.  See remote.c. */
#ifndef BLKBACK_REMOTE_H
#define BLKBACK_REMOTE_H

#include "blkback/image.h"
#include "blkback/target.h"

/*
 * Finds out about image->target, without blocking the caller: fills image->spec, image->fds and
 * image->remote, and ends with opened(), perhaps before it returns: NULL, or why not, in words that
 * follow the name.
 */
void remote_open(struct image *image, void (*opened)(struct image *image, const char *why));
/* The same for an image file that is open as image->fds: takes them, has qemu-nbd serve them. */
void remote_open_file(struct image *image, void (*opened)(struct image *image, const char *why));
/* Another worker: a line of its own in image->fds, on which nothing is said yet.  0 or -errno. */
int remote_renew(struct remote *remote);
/* Makes an image larger that qemu-nbd serves; ends as qemu_grow(), with the image. */
void remote_grow(struct image *image, uint64_t bytes,
		 void (*grown)(struct image *image, const char *why));
/* Lets go of the server.  No opened() comes any more.  NULL is fine. */
void remote_close(struct remote *remote);

#endif
