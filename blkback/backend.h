/* SPDX-License-Identifier: MIT */
#ifndef BLKBACK_BACKEND_H
#define BLKBACK_BACKEND_H

#include "common/sup.h"

/* blkback's part of the supervisor: disks named by the store, images opened, nodes written. */
extern const struct backend blkback_backend;

#endif
