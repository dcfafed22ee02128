/* SPDX-License-Identifier: MIT */
/* Where a disk's limits come from: its backend directory and the command line. */
#ifndef BLKBACK_LIMIT_NODES_H
#define BLKBACK_LIMIT_NODES_H

#include <stddef.h>

#include "common/limit.h"
#include "common/sup.h"

/* Of disks whose directory says nothing; set by the command line. */
extern struct limit_spec limit_defaults;

/* A node or option by its name, such as "limit-iops": where its value belongs; NULL if unknown. */
uint64_t *limit_find(struct limit_spec *spec, const char *name, uint64_t *max);

/* Reads what the toolstack has set.  0 or -errno, with a sentence in `why` if a node is bad. */
int limit_read(struct device *device, struct limit_spec *spec, char *why, size_t why_size);

#endif
