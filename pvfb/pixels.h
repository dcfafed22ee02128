/* SPDX-License-Identifier: MIT */
/* A guest's pixels as ours.  See pixels.c. */
#ifndef PVFB_PIXELS_H
#define PVFB_PIXELS_H

#include <stdint.h>

#include "common/guest.h"

/* Writes `count` pixels of 0x00RRGGBB from a private copy in the guest's depth: 8 to 32 bits. */
void pixels_convert(uint32_t *to, const uint8_t *from, uint32_t count, uint32_t depth);

/*
 * Copies `bytes` at `offset` of guest memory out, each word once.  Gives where they start in
 * `line`, which has room for 8 more.  The memory's size is a multiple of 4, so nothing beyond it is
 * read.
 */
const uint8_t *pixels_fetch(uint8_t *line, const void __guest *memory, uint64_t offset,
			    uint32_t bytes);

#endif
