/* SPDX-License-Identifier: MIT */
/* Where libvncserver writes an update that is for a browser.  See tape.c. */
#ifndef PVFB_TAPE_H
#define PVFB_TAPE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/filter.h"
#include "pvfb/websocket.h"

/* Makes it, before the sandbox closes.  0 or -errno, told. */
int tape_open(void);

/* Has the descriptor `fd`, which is libvncserver's, be the tape, which is empty.  0 or -errno. */
int tape_insert(int fd);
/*
 * What was written since; room for a frame's head is before it.  Its length, or -EFBIG: more than
 * an update ever is.  Valid until tape_wipe().
 */
ssize_t tape_written(uint8_t **data);
/* Forgets all of it: the next that uses the tape is another viewer. */
void tape_wipe(void);

extern const struct filter tape_filter;

#endif
