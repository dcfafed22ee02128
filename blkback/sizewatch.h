/* SPDX-License-Identifier: MIT */
/* Tells when an image may have another size.  See sizewatch.c. */
#ifndef BLKBACK_SIZEWATCH_H
#define BLKBACK_SIZEWATCH_H

#include <stdint.h>

#include "common/loop.h"

struct udev_monitor;

/* One per supervisor; kept for its life. */
struct sizewatch {
	struct loop *loop;
	int inotify;		      /* -1 until the first file */
	struct udev_monitor *uevents; /* NULL until the first block device */
	/*
	 * Perhaps the size changed: of the file that sizewatch_file() gave this number (else -1),
	 * or of block device `dev` (else 0); with neither, of any.
	 */
	void (*changed)(struct sizewatch *watch, int file, uint64_t dev);
};

void sizewatch_init(struct sizewatch *watch, struct loop *loop,
		    void (*changed)(struct sizewatch *, int, uint64_t));

/*
 * Watches the open file `fd`, whatever its name becomes.  Gives the number that changed() will
 * name, the same for each descriptor of one file; or -errno.
 */
int sizewatch_file(struct sizewatch *watch, int fd);
/* No user of the number is left. */
void sizewatch_forget(struct sizewatch *watch, int file);

/* Watches all block devices from now on.  0 or -errno. */
int sizewatch_devices(struct sizewatch *watch);

#endif
