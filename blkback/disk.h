/* SPDX-License-Identifier: MIT */
/*
 * What a virtual disk is stored on.  The whole contract of a disk engine is this page; HACKING.md
 * tells how to add one.
 */
#ifndef BLKBACK_DISK_H
#define BLKBACK_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include "common/aio.h"
#include "common/loop.h"
#include "common/offload.h"

enum {
	DISK_SECTOR = 512,  /* blkif's unit for all numbers of sectors (blkif.h, since Xen 4.20) */
	DISK_IOV_MAX = 256, /* pieces of one I/O */
	DISK_IO_MAX = DISK_IOV_MAX * 4096, /* and its bytes */
	DISK_ALIGN_MAX = 65536,
};

enum disk_verb {
	DISK_READ,
	DISK_WRITE,
	DISK_FLUSH,
	DISK_DISCARD
};

/* Which engine serves a disk; the supervisor chooses, the worker obeys. */
enum disk_engine {
	DISK_URING,
	DISK_AIO,
	DISK_NULL,
	DISK_NBD,
	DISK_ENGINES
};

/* What the supervisor found out about a disk.  Plain numbers: travels through the channel. */
struct disk_spec {
	uint32_t engine;
	uint32_t read_only;
	uint32_t block_device;	      /* else a file */
	uint32_t removable;	      /* a device whose medium is */
	uint32_t discard;	      /* the store can, and the admin allows it */
	uint32_t discard_secure;      /* so that the data are gone */
	uint32_t discard_granularity; /* bytes, of what the store can give back */
	uint32_t discard_alignment;   /* bytes from the disk's start to the first of these */
	uint32_t discard_unit;	      /* bytes, of what the store can be told to discard */
	/* Bytes that all of an I/O has to be aligned to, DISK_ALIGN_MAX at most; 0: page cache. */
	uint32_t direct_align;
	uint32_t physical_sector; /* bytes */
	uint32_t in_memory;	  /* the store answers at once: a file on tmpfs */
	uint32_t never_at_once;	  /* it blocks even where io_uring asks it not to: FUSE */
	uint32_t wait_ms;	  /* how long I/O waits for a server that is away */
	uint64_t sectors;	  /* of 512 bytes */
};

/* disk_align.c and disk_nbd.c have to see all its writes: it has one queue. */
static inline bool disk_is_alone(const struct disk_spec *spec)
{
	return spec->direct_align > DISK_SECTOR || spec->engine == DISK_NBD;
}

struct disk;

/*
 * One I/O.  Owned by its request; the engine may use it from submit() to done(), which it calls
 * exactly once, from within submit() or later from the loop.
 */
struct disk_io {
	union { /* the engine's; each starts with an op */
		struct op op;
		struct aio_op aio;
		struct offload_job job;
	};
	uint64_t moved;	   /* the engine's: bytes done so far */
	struct disk *disk; /* the engine's, as the next three */
	int commands, err;
	TAILQ_ENTRY(disk_io) order;
	struct disk *layer; /* disk_align.c's, as the next three */
	TAILQ_ENTRY(disk_io) link;
	bool bounced, waiting;
	void (*upper)(struct disk_io *io, int err);
	enum disk_verb verb;
	bool more;	 /* its caller has others to submit right after it */
	bool secure;	 /* DISCARD: the data must be gone */
	uint64_t offset; /* bytes */
	uint64_t bytes;
	int iov_count;
	struct iovec *iov; /* READ and WRITE: sum is `bytes`; the engine may change them */
	void (*done)(struct disk_io *io, int err); /* 0 or -errno */
};

/*
 * A disk as one loop has it open; each engine's struct starts with it.  A device with several
 * queues opens its disk once for each of them.
 */
struct disk {
	const struct disk_ops *ops;
	struct loop *loop;
	struct disk_spec spec;
};

struct disk_ops {
	const char *name;
	/*
	 * Makes *disk for the device's queue number `queue`.  `fds` are those that the supervisor
	 * opened (image.c); they stay the caller's, and open until close().  0 or -errno.
	 */
	int (*open)(struct disk **disk, struct loop *loop, const struct disk_spec *spec,
		    const int *fds, uint32_t nfds, uint32_t queue);
	/* Starts one I/O, which lies within the disk.  READ and WRITE of a range may overlap. */
	void (*submit)(struct disk *disk, struct disk_io *io);
	/*
	 * The turn has submitted what it had: starts what submit() put off, and says whether there
	 * was any.  NULL: it puts nothing off.
	 */
	bool (*settle)(struct disk *disk);
	/* After the last done().  Frees the disk. */
	void (*close)(struct disk *disk);
};

extern const struct disk_ops disk_uring, disk_aio, disk_null, disk_nbd;

/*
 * Opens a disk with the engine that its spec names, and over it what lets requests of 512 bytes
 * work if the store wants larger ones.  As disk_ops' open().
 */
int disk_open(struct disk **disk, struct loop *loop, const struct disk_spec *spec, const int *fds,
	      uint32_t nfds, uint32_t queue);
static inline bool disk_settle(struct disk *disk)
{
	return disk->ops->settle && disk->ops->settle(disk);
}
/* A disk over `below`, which it owns from now on, if it succeeds.  0 or -errno. */
int disk_align_open(struct disk **disk, struct disk *below);
/* The engine's operations, or NULL if there is no such engine. */
const struct disk_ops *disk_engine_ops(uint32_t engine);

#endif
