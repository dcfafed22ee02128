/* SPDX-License-Identifier: MIT */
/* What a frontend names to be connected.  See frontend.c. */
#ifndef BLKBACK_FRONTEND_H
#define BLKBACK_FRONTEND_H

#include <stddef.h>

#include "blkback/vbd.h"
#include "common/sup.h"

/*
 * Fills the ABI, the rings and the event channels of `connect` from the frontend's directory.  In a
 * transaction.  0 or -errno, and in `why` the reason in one sentence; it is "" where the store gave
 * none.
 */
int frontend_read(struct device *device, struct vbd_connect *connect, char *why, size_t why_size);

#endif
