// SPDX-License-Identifier: MIT
/*
 * Blocks that know where they belong, so that a block which is torn, lost, stale or in the wrong
 * place is told from a good one, and from each other.
 *
 * A block's header holds its offset, the run's seed and the generation of the write; the body is
 * pseudo-random from those three; one crc32c covers all but itself.  Pure functions; no state.
 */
#include "loopback/pattern.h"

#include <string.h>

#include "loopback/crc32c.h"

#define PATTERN_MAGIC 0x68616c66U

_Static_assert(sizeof(struct pattern_head) == 32, "the header has no padding");

size_t pattern_unit(size_t bs)
{
	return bs % 4096 ? 512 : 4096;
}

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15U;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
	x = (x ^ x >> 27) * 0x94d049bb133111ebU;
	return x ^ x >> 31;
}

static void block_fill(char *block, size_t len, uint64_t offset, uint64_t seed, uint32_t generation)
{
	struct pattern_head head = {.magic = PATTERN_MAGIC,
				    .len = (uint32_t)len,
				    .generation = generation,
				    .offset = offset,
				    .seed = seed};
	uint64_t x = mix(offset ^ mix(seed ^ mix(generation)));

	for (size_t i = sizeof(head); i < len; i += sizeof(x)) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(block + i, &x, sizeof(x));
	}
	memcpy(block, &head, sizeof(head));
	head.crc = crc32c(0, block + sizeof(head.crc), len - sizeof(head.crc));
	memcpy(block, &head.crc, sizeof(head.crc));
}

void pattern_fill(void *buf, size_t len, size_t unit, uint64_t offset, uint64_t seed,
		  uint32_t generation)
{
	for (size_t i = 0; i < len; i += unit)
		block_fill((char *)buf + i, unit, offset + i, seed, generation);
}

static enum pattern_fault block_check(const char *block, size_t len, uint64_t offset, uint64_t seed,
				      uint32_t generation)
{
	struct pattern_head head;

	memcpy(&head, block, sizeof(head));
	if (head.magic != PATTERN_MAGIC || head.len != len)
		return PATTERN_FOREIGN;
	if (head.crc != crc32c(0, block + sizeof(head.crc), len - sizeof(head.crc)))
		return PATTERN_TORN;
	if (head.offset != offset)
		return PATTERN_MISPLACED;
	if (head.seed != seed)
		return PATTERN_SEED;
	if (generation != PATTERN_ANY && head.generation != generation)
		return PATTERN_STALE;
	return PATTERN_OK;
}

enum pattern_fault pattern_check(const void *buf, size_t len, size_t unit, uint64_t offset,
				 uint64_t seed, uint32_t generation, uint64_t *at)
{
	for (size_t i = 0; i < len; i += unit) {
		enum pattern_fault fault =
			block_check((const char *)buf + i, unit, offset + i, seed, generation);

		if (fault) {
			*at = offset + i;
			return fault;
		}
	}
	return PATTERN_OK;
}

const char *pattern_text(enum pattern_fault fault)
{
	switch (fault) {
	case PATTERN_OK:
		return "is good";
	case PATTERN_FOREIGN:
		return "was never written by this program";
	case PATTERN_TORN:
		return "has a wrong checksum";
	case PATTERN_MISPLACED:
		return "belongs to another offset";
	case PATTERN_SEED:
		return "is of another seed";
	case PATTERN_STALE:
		return "is of another generation";
	}
	return "is wrong";
}
