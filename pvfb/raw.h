/* SPDX-License-Identifier: MIT */
/* Updates in raw encoding, without a copy of ours.  See raw.c. */
#ifndef PVFB_RAW_H
#define PVFB_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct _rfbClientRec;
struct sraRegion;

enum {
	RAW_BYTES_MAX = 4 << 20, /* of an update */
	WRITE_WAIT_MS = 1000,	 /* for a viewer, also libvncserver's */
};

struct raw_update {
	struct sraRegion *region; /* what its viewer has asked for, and has changed */
	uint32_t rects;
	size_t bytes; /* of the message */
};

/*
 * What a viewer waits for.  False: it is nothing, more than RAW_BYTES_MAX, or anything but pixels
 * as the shadow has them; then libvncserver has to send it.  True: raw_end() has to follow.
 */
bool raw_begin(struct raw_update *update, const struct _rfbClientRec *rfb);
/* Sends it; its viewer then waits for nothing.  0, or -errno: the connection is of no use more. */
int raw_send(const struct raw_update *update, struct _rfbClientRec *rfb);
void raw_end(struct raw_update *update);

#endif
