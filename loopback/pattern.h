/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_PATTERN_H
#define LOOPBACK_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define PATTERN_ANY 0xffffffffU /* any generation will do */

/* What a block says of itself at its start; the rest is pseudo-random bytes that follow from it. */
struct pattern_head {
	uint32_t crc; /* crc32c of all that follows in the block */
	uint32_t magic;
	uint32_t len;
	uint32_t generation;
	uint64_t offset;
	uint64_t seed;
};

enum pattern_fault {
	PATTERN_OK,
	PATTERN_FOREIGN,   /* not a block of ours: zeros, or another program's data */
	PATTERN_TORN,	   /* ours, but its checksum is wrong */
	PATTERN_MISPLACED, /* whole, but it belongs to another offset */
	PATTERN_SEED,	   /* whole, but of another run's seed */
	PATTERN_STALE,	   /* whole, but of another generation: an older or lost write */
};

/* Blocks of this size carry a header each: 4096 where @bs allows it, else 512. */
size_t pattern_unit(size_t bs);

/* Fill @len bytes (a multiple of @unit) that belong at @offset. */
void pattern_fill(void *buf, size_t len, size_t unit, uint64_t offset, uint64_t seed,
		  uint32_t generation);

/*
 * Check what pattern_fill() made; the first block that is wrong decides, and *@at is its offset.
 * @generation may be PATTERN_ANY.
 */
enum pattern_fault pattern_check(const void *buf, size_t len, size_t unit, uint64_t offset,
				 uint64_t seed, uint32_t generation, uint64_t *at);

/* The fault in words, for "block at 4096 ...". */
const char *pattern_text(enum pattern_fault fault);

#endif
