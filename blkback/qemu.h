/* SPDX-License-Identifier: MIT */
/* An image that is not raw, served by a qemu-nbd of its own.  See qemu.c. */
#ifndef BLKBACK_QEMU_H
#define BLKBACK_QEMU_H

#include <stdbool.h>
#include <stdint.h>

#include "common/loop.h"

struct image;
struct qemu;

/*
 * Looks at image->target, a format and a path whose file is open as `file`, with qemu-img in a
 * cage: ends with checked(arg): NULL, or why not, in words that follow the name.  `direct`: its
 * store takes O_DIRECT.  Later failures of qemu-nbd come as failed(arg).  Owns `file`.  NULL:
 * checked() was called already.
 */
struct qemu *qemu_open(struct image *image, int file, bool direct, void *arg,
		       void (*checked)(void *arg, const char *why),
		       void (*failed)(void *arg, const char *why));
/* A new connection to qemu-nbd, which is started if it does not run.  A descriptor or -errno. */
int qemu_connect(struct qemu *qemu);
/*
 * Makes the image larger, which must be open and not be growing, and has qemu-nbd go on with it:
 * ends with grown(arg), perhaps before it returns: NULL, or why it has its old size, in qemu-img's
 * words.
 */
void qemu_grow(struct qemu *qemu, uint64_t bytes, void (*grown)(void *arg, const char *why));
/* Ends qemu-nbd, which may take its time; nothing is called any more.  NULL is fine. */
void qemu_close(struct qemu *qemu);
/* Without a loop, at the supervisor's end: waits until all that were closed have ended, or 5 s. */
void qemu_wait_all(void);

/* --cage UID ro|rw IMAGE BACKING -- COMMAND...: becomes COMMAND, which sees IMAGE and little else.
 */
int cage_main(int argc, char **argv);

/* What qemu-img says of an image: NULL, or why it can't be served.  Pure. */
const char *qemu_judge(const char *json, bool backing_allowed);

#endif
