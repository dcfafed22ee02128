/* SPDX-License-Identifier: MIT */
/* Where the pixels lie in a guest's framebuffer.  See geometry.c. */
#ifndef PVFB_GEOMETRY_H
#define PVFB_GEOMETRY_H

#include <stdint.h>

/* As the guest says it, in the shared page or in an XENFB_TYPE_RESIZE: anything. */
struct geometry_claim {
	int32_t width, height;
	int32_t stride;
	int32_t depth;
	int32_t offset;
};

/* Checked: each pixel lies within the framebuffer. */
struct geometry {
	uint32_t width, height; /* pixels, from 1 to GEOMETRY_SIDE_MAX */
	uint32_t stride;	/* bytes from the start of a row to that of the next */
	uint32_t depth;		/* bits of a pixel, with padding: 8, 16, 24 or 32 */
	uint32_t offset;	/* bytes before the first row */
};

enum {
	GEOMETRY_SIDE_MAX = 16384
};

/*
 * Checks a claim against `bytes` of framebuffer.  As in QEMU's xenfb a width or height that goes
 * beyond its end is cut.  NULL, or what is wrong, as the end of a sentence.  Pure.
 */
const char *geometry_check(struct geometry *geometry, const struct geometry_claim *claim,
			   uint32_t bytes);

/* Bytes of a row that hold pixels. */
static inline uint32_t geometry_row_bytes(const struct geometry *geometry)
{
	return geometry->width * (geometry->depth / 8);
}

#endif
