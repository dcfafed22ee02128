/* SPDX-License-Identifier: MIT */
/* The two layouts of blkif on x86, and the private form that both become.  See abi.c. */
#ifndef BLKBACK_ABI_H
#define BLKBACK_ABI_H

#include <stdint.h>

#include "common/guest.h"

enum {
	SLOT_SEGMENTS = 11,	      /* BLKIF_MAX_SEGMENTS_PER_REQUEST */
	SLOT_INDIRECT_SEGMENTS = 256, /* what we offer; half of what fits a page of them */
};

/* As in every ABI, in a slot and in an indirect page. */
struct slot_segment {
	uint32_t ref;
	uint8_t first_sect;
	uint8_t last_sect;
	uint16_t map; /* padding on the wire; ours: which persistent grant it is */
};

/*
 * A request as the guest wrote it, nothing checked: a private copy.  Fields that the operation does
 * not have hold whatever stood at their place.
 */
struct slot {
	uint8_t operation;
	uint8_t nr_segments; /* or, of a discard, its flag */
	uint64_t id;
	uint64_t sector_number;
	uint64_t nr_sectors; /* of a discard */
	/* Of an indirect request: what it is, how long, and the page that lists its segments. */
	uint8_t indirect_op;
	uint16_t indirect_segments;
	uint32_t indirect_ref;
	/* As many as nr_segments says, if it says no more than there are. */
	struct slot_segment segments[SLOT_SEGMENTS];
};

/* An answer. */
struct slot_response {
	uint64_t id;
	uint8_t operation;
	int16_t status; /* BLKIF_RSP_* */
};

/* Names as in the channel's CONNECT. */
enum abi_name {
	ABI_X86_64,
	ABI_X86_32,
	ABI_COUNT
};

struct abi {
	const char *protocol; /* the frontend's `protocol` node */
	uint32_t slot_size;   /* bytes from one slot of the ring to the next */
	/* Copies a request out of the ring, each word read once. */
	void (*take)(struct slot *slot, const void __guest *from);
	/* Writes a response into the ring, padding included. */
	void (*put)(void __guest *to, const struct slot_response *response);
};

extern const struct abi abis[ABI_COUNT];

#endif
