// SPDX-License-Identifier: MIT
/*
 * Checks what a guest says of its framebuffer: width, height, stride, depth and offset, each any 32
 * bits.  Pure: it sees private copies only, and nothing is read or allocated by a claim before it
 * has passed here.
 */
#include "pvfb/geometry.h"

#include <stddef.h>

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

const char *geometry_check(struct geometry *geometry, const struct geometry_claim *claim,
			   uint32_t bytes)
{
	uint32_t pixel = (uint32_t)claim->depth / 8, stride = (uint32_t)claim->stride;
	uint32_t offset = (uint32_t)claim->offset;

	if (claim->depth != 8 && claim->depth != 16 && claim->depth != 24 && claim->depth != 32)
		return "its depth is none of 8, 16, 24 and 32 bits";
	if (claim->stride <= 0 || stride > bytes)
		return "a row of it is longer than all of it, or not longer than nothing";
	if (claim->offset < 0 || offset >= bytes)
		return "it starts beyond its end";
	if (claim->width <= 0 || claim->height <= 0)
		return "its width or height is no number of pixels";
	*geometry = (struct geometry){
		.width = least(least((uint32_t)claim->width, GEOMETRY_SIDE_MAX), stride / pixel),
		.height = least(least((uint32_t)claim->height, GEOMETRY_SIDE_MAX),
				(bytes - offset) / stride),
		.stride = stride,
		.depth = (uint32_t)claim->depth,
		.offset = offset,
	};
	if (geometry->width == 0 || geometry->height == 0)
		return "it has no room for one pixel";
	return NULL;
}
