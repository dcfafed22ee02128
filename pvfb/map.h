/* SPDX-License-Identifier: MIT */
/* A guest's frames, mapped by number.  See map.c. */
#ifndef PVFB_MAP_H
#define PVFB_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/filter.h"
#include "common/guest.h"

/* Opens the handle, for this guest alone.  Before the sandbox closes.  0 or -errno, told. */
int map_open(uint16_t domid);

/*
 * Maps `count` frames in a row.  NULL and errno (EINVAL: one of them is none of the guest's).  A
 * page that the guest gives back later reads as zeros.
 */
void __guest *map_frames(const uint64_t *frames, uint32_t count, bool writable);
void map_undo(void __guest *mapped, uint32_t count); /* NULL is fine */

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter map_filter;

#endif
