/* SPDX-License-Identifier: MIT */
/* The file or device behind a virtual disk: opened, locked, measured.  See image.c. */
#ifndef BLKBACK_IMAGE_H
#define BLKBACK_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "blkback/disk.h"
#include "blkback/target.h"
#include "common/offload.h"

enum {
	IMAGE_PATH_MAX = 1024,
	IMAGE_WHY_MAX = 1400
};

/* What is asked of an image. */
enum image_want {
	IMAGE_READ_ONLY = 1 << 0,
	IMAGE_DISCARD = 1 << 1, /* if it can */
	IMAGE_SHARED = 1 << 2,	/* whoever else has it so, may have it, too */
	IMAGE_PATIENT = 1 << 3, /* a worker of ours may still end: wait some seconds for locks */
};

/* What the admin chose for all disks. */
struct image_options {
	uint32_t nbd_wait_ms; /* how long a guest's I/O waits for an NBD server that is away */
	const char *backing;  /* below it images may have backing files; NULL: nowhere */
};

extern struct image_options image_options;

struct remote;

/* Owned by the device's backend side.  While opened() is due it is a thread's and must stay put. */
struct image {
	struct offload_job job; /* first */
	struct offload_job look_job;
	uint64_t owner; /* set before image_open(): tells users of one image apart */
	struct offload *offload;
	char path[IMAGE_PATH_MAX];
	uint32_t want;	     /* enum image_want */
	uint32_t helper_uid; /* as whom those run who look at the disk before its worker does */
	struct target target;
	struct remote *remote; /* its NBD server; NULL: it has none */
	struct disk_spec spec;
	int fds[2];
	uint32_t nfds;
	bool open;
	struct statx stx;
	uint64_t dev, ino; /* what it is, whatever its name */
	char why[IMAGE_WHY_MAX];
	/* NULL, or why it can't be served, in one sentence. */
	void (*opened)(struct image *image, const char *why);
	bool looking;	/* a thread asks for the size */
	bool look_more; /* and is to ask again */
	int look_fd;
	int64_t look_bytes;
	void (*looked)(struct image *image, int64_t bytes); /* also of a server that tells */
};

/*
 * Opens `target` ("/path", "FORMAT:/path", "null:SIZE" or an NBD address; target.h) without
 * blocking the caller: a store that hangs delays this disk only.  Ends with opened(), perhaps
 * before it returns.
 */
void image_open(struct image *image, struct offload *offload, const char *target, uint32_t want,
		uint32_t helper_uid, void (*opened)(struct image *, const char *));
/*
 * The worker died that had an open image, which is not one of qemu-nbd's: waits until the last of
 * its direct I/O, which outlives it, has ended, so that no write of it comes after one of the next
 * worker's.  Ends with opened().
 */
void image_renew(struct image *image, void (*opened)(struct image *, const char *));
/*
 * Measures an open image again, without blocking; ends with looked(), perhaps before it returns:
 * its size in bytes, or -errno.  Does nothing for a disk without a file.  While `looking` the image
 * must stay put, even if it is closed meanwhile.
 */
void image_look(struct image *image, void (*looked)(struct image *, int64_t bytes));
bool image_is_block(const struct image *image);
/* Closes our descriptors; the locks last as long as a worker has them.  Fine if it is not open. */
void image_close(struct image *image);

/* The size in bytes -> sectors; 0, or -EINVAL and *why.  Pure. */
int image_check_size(uint64_t bytes, uint64_t *sectors, const char **why);
/* The sectors of so many bytes, less those that are no whole physical sector.  Pure. */
uint64_t image_whole_sectors(const struct image *image, uint64_t bytes);
/* "null:SIZE" with SIZE in bytes or with K, M, G, T behind it.  0 or -EINVAL.  Pure. */
int image_parse_null(const char *target, uint64_t *bytes);

#endif
