/* SPDX-License-Identifier: MIT */
/*
 * What outlives a connected device's worker and supervisor, in two files of /run/halfback:
 *
 *	DAEMON-DOMID-DEVID.journal	what its worker writes as it works, after a header of ours
 *	DAEMON-DOMID-DEVID.connection	what was negotiated when it connected; only root can write
 *it
 *
 * Both have the same random generation, and so does the node `halfback-journal` of the backend's
 * directory.  So neither a guest that got the number of an older one, nor files from elsewhere, nor
 * one file without the other are taken for what they are not.  See device_resume.c.
 */
#ifndef COMMON_RESUME_H
#define COMMON_RESUME_H

#include <stdint.h>

#include "common/chan.h"

enum {
	RESUME_MAGIC = 0x31524248, /* "HBR1" */
	RESUME_VERSION = 1,
};

/* At the start of the journal.  The worker can write it: it proves nothing but a mishap. */
struct resume_header {
	uint32_t magic;
	uint32_t version;
	uint64_t generation;
	uint64_t bytes; /* of the file */
	uint64_t pad[5];
};

/* The other file. */
struct resume_connection {
	uint32_t magic;
	uint32_t version;
	uint64_t generation;
	uint64_t bytes;	   /* of the journal */
	uint64_t store[2]; /* which image it was, as the backend tells them apart */
	uint32_t domid;
	uint32_t devid;
	uint32_t sum;	     /* of the struct, with this one 0 */
	uint32_t body_bytes; /* of the body that mean something: another version has others */
	unsigned char body[CHAN_BODY_MAX]; /* the CONNECT's */
};

#endif
