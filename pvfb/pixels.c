// SPDX-License-Identifier: MIT
/*
 * From the guest's framebuffer to our shadow of it: a row is copied word by word into a line of our
 * own, once, and what is shown is made of that line.  So no encoder ever reads a guest's page,
 * which may change between two looks (XSA-155).
 *
 * Depths are those of QEMU's xenfb: 8 bits are 3-3-2, 16 are 5-6-5, 24 and 32 are blue first.
 */
#include "pvfb/pixels.h"

#include <string.h>

const uint8_t *pixels_fetch(uint8_t *line, const void __guest *memory, uint64_t offset,
			    uint32_t bytes)
{
	uint32_t lead = (uint32_t)(offset & 3);
	const char __guest *from = (const char __guest *)memory + (offset - lead);

	guest_copy_from(line, from, (lead + bytes + 3) / 4);
	return line + lead;
}

static uint32_t from_332(uint8_t pixel)
{
	uint32_t red = pixel >> 5, green = pixel >> 2 & 7, blue = pixel & 3;

	return (red * 255 / 7) << 16 | (green * 255 / 7) << 8 | blue * 255 / 3;
}

static uint32_t from_565(uint16_t pixel)
{
	uint32_t red = pixel >> 11, green = pixel >> 5 & 63, blue = pixel & 31;

	return (red * 255 / 31) << 16 | (green * 255 / 63) << 8 | blue * 255 / 31;
}

void pixels_convert(uint32_t *to, const uint8_t *from, uint32_t count, uint32_t depth)
{
	switch (depth) {
	case 8:
		for (uint32_t i = 0; i < count; i++)
			to[i] = from_332(from[i]);
		break;
	case 16:
		for (uint32_t i = 0; i < count; i++)
			to[i] = from_565((uint16_t)(from[2 * i] | from[2 * i + 1] << 8));
		break;
	case 24:
		for (uint32_t i = 0; i < count; i++)
			to[i] = (uint32_t)from[3 * i + 2] << 16 | (uint32_t)from[3 * i + 1] << 8 |
				from[3 * i];
		break;
	default:
		memcpy(to, from, (size_t)count * sizeof(*to));
	}
}
