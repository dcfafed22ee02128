/* SPDX-License-Identifier: MIT */
/* One queue of a tap: frames read in batches, and written.  See tapio.c. */
#ifndef NETBACK_TAPIO_H
#define NETBACK_TAPIO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/loop.h"
#include "netback/vnet.h"

enum {
	TAP_PAGE = 4096,
	TAP_FRAME_PAGES = 17,		 /* 64 KiB and the headers before them */
	TAP_PAGES = TAP_FRAME_PAGES + 1, /* and the page whose end has the vnet header */
	TAP_READS_MAX = 32,
};

struct tap_read {
	struct op op; /* first */
	struct tapio *tap;
	int res;
	bool done;
};

/* A frame that was read; valid until the next tapio_read(). */
struct tap_frame {
	uint8_t *data; /* at a page's start */
	uint32_t len;
	struct vnet_header header;
};

/* Owned by its queue, on its thread. */
struct tapio {
	struct loop *loop;
	int fd;			/* the vif's */
	uint8_t *buffers;	/* TAP_PAGES for each read */
	bool direct;		/* by system calls of our own, not by the loop's io_uring */
	bool chained;		/* by it, where no read can say that it does not wait */
	struct loop_poll *poll; /* if it is */
	bool readable;		/* the same */
	bool gone;		/* the interface was deleted */
	bool cancelling;
	struct op cancel;
	bool cancel_sent; /* it is under way */
	uint32_t batch;	  /* how many frames the last reads asked for */
	uint32_t queued;  /* of them, those that were done or will be */
	uint32_t pending; /* of them, those that have not completed */
	uint32_t next;	  /* of them, the first that was not taken */
	uint32_t seen;	  /* `next` at the end of the last turn */
	uint32_t turns;	  /* that took frames of the batch */
	struct tap_read reads[TAP_READS_MAX];
};

/* `fd`, of tap_open(), stays the caller's.  0 or -errno. */
int tapio_open(struct tapio *tap, struct loop *loop, int fd);
/* Once it is idle. */
void tapio_close(struct tapio *tap);

/*
 * At the end of each turn: has the kernel read frames, soon, unless it is at it or some were not
 * taken.
 */
void tapio_read(struct tapio *tap);
/* The next frame, which stays the next until tapio_taken(); false if there is none now. */
bool tapio_frame(struct tapio *tap, struct tap_frame *frame);
void tapio_taken(struct tapio *tap);
/* A cheap look: there may be a frame. */
bool tapio_peek(const struct tapio *tap);

/*
 * Writes a frame, whose first VNET_HEADER bytes are its header; op->done() tells what write(2)
 * would, perhaps at once.  All of it stays where it is until then.
 */
void tapio_write(struct tapio *tap, struct op *op, const struct iovec *iov, int count);

/* No read is to be waited for any more: each turn, until tapio_idle(), when none is under way. */
void tapio_cancel(struct tapio *tap);
bool tapio_idle(const struct tapio *tap);

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter tapio_uring_filter, tapio_direct_filter;

#endif
