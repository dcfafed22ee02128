/* SPDX-License-Identifier: MIT */
/*
 * Short-lived helpers of the supervisor, and what they are when started (`blkback --dial` ...).
 * Each gives one answer, a message on its channel, and ends; or prints why not.
 */
#ifndef BLKBACK_HELPER_H
#define BLKBACK_HELPER_H

#include <stdint.h>

#include "common/chan.h"
#include "common/child.h"
#include "common/loop.h"

enum {
	HELPER_CHAN = CHILD_FD,
	HELPER_SOCKET = CHILD_FD + 1, /* probe: the connection */
	HELPER_MS = 8000,	      /* libxl waits 10 s for a disk */
};

/* What an NBD server says of its export; the body of a CHAN_PROBED. */
struct probed {
	uint64_t bytes;
	uint32_t read_only, flush, trim, multi_conn;
	uint32_t block_min, block_best; /* bytes; 0: it does not say */
};

/* Embedded in its owner, which may free itself in done(). */
struct helper {
	struct child child;
	struct loop *loop;
	int chan;
	struct loop_timer *limit;
	bool late; /* killed, since it took too long */
	/* The answer, whose descriptors are the callee's; or NULL and why. */
	void (*done)(struct helper *helper, struct chan_msg *msg, const char *why);
};

/* Starts `blkback argv...`, with `fd` as its HELPER_SOCKET unless -1.  0 or -errno. */
int helper_start(struct helper *helper, struct loop *loop, const char *const *argv, int fd);
/* Ends it without an answer.  Fine if there is none. */
void helper_drop(struct helper *helper);

/* --dial UID tcp HOST PORT, --dial UID unix PATH: answers CHAN_SOCKET with a connection. */
int dial_main(int argc, char **argv);
/* --probe UID EXPORT: asks the server at HELPER_SOCKET; answers CHAN_PROBED. */
int probe_main(int argc, char **argv);

#endif
