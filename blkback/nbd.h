/* SPDX-License-Identifier: MIT */
/* What disk_nbd.c, a disk's I/O, and nbd_conn.c, its connection, share; nobody else includes it. */
#ifndef BLKBACK_NBD_H
#define BLKBACK_NBD_H

#include <libnbd.h>

#include "blkback/disk.h"
#include "blkback/unflushed.h"
#include "common/chan.h"

TAILQ_HEAD(io_list, disk_io);

struct nbd_disk {
	struct disk disk;
	struct nbd_handle *nbd; /* NULL: no connection */
	int line;		/* -1: the supervisor is gone, and no connection comes any more */
	struct loop_poll *line_poll, *in_poll, *out_poll;
	struct loop_timer *limit; /* runs while there is no connection that takes I/O */
	struct loop_timer *hello; /* until the handshake is over */
	struct io_list waiting, sent, done;
	struct disk_io own_flush;
	uint64_t replay;  /* position of the next write to do again */
	uint32_t again;	  /* writes that are being done again: 0 or 1 */
	uint64_t lost_ns; /* since when the guest has had no answer; 0: it has */
	uint64_t up_ns;	  /* when this connection came up */
	uint32_t serial;  /* of the connection that we asked for */
	bool wanting;	  /* ... and don't have yet */
	bool checked;	  /* the export is still the disk that it was */
	bool up;	  /* ... and has all writes: it takes I/O */
	bool served;	  /* the first connection was made: later ones are told of */
	bool stalled;	  /* waited too long: errors until a connection comes */
	bool flushing;	  /* own_flush is on its way */
	bool dropping;	  /* completions are none: the handle is being closed */
	bool settling;
	bool can_flush, can_trim;
	int replay_err;
	int flush_err;	   /* of own_flush: the guest's next flush tells it */
	uint32_t answers;  /* so far */
	uint64_t reserved; /* room in unflushed for the writes that are sent */
	struct unflushed unflushed;
	char reason[CHAN_TEXT_MAX]; /* why the connection broke, as far as is known */
};

/* Does all that can be done now: after anything happened. */
void nbd_settle(struct nbd_disk *n);
/* The guest has waited too long, nbd_want() says since when. */
void nbd_limit(void *arg);

/* Asks the supervisor for a connection; `lost` is what became of the last one. */
void nbd_want(struct nbd_disk *n, const char *lost);
void nbd_tell(struct nbd_disk *n, enum chan_type type, const char *text);
/* The connection is of no more use. */
bool nbd_is_dead(const struct nbd_disk *n);
/* Takes it from the handshake to where it takes I/O; drops one that is dead. */
void nbd_advance(struct nbd_disk *n);
/* Waits for room in the socket only while there is something to write. */
void nbd_watch_out(struct nbd_disk *n);
/* Lets go of it; completions of its commands are ignored. */
void nbd_disconnect(struct nbd_disk *n);
/* The supervisor's answer is there. */
void nbd_line_ready(void *arg, int events);

#endif
