// SPDX-License-Identifier: MIT
/*
 * A test card: the eight bars of old, shades of grey below, a grid and a circle over them, so that
 * a wrong stride, offset, byte order or size is seen at once.  And a pattern that moves.
 */
#include "loopback/testcard.h"

#include <string.h>

static const uint32_t bars[8] = {0xffffff, 0xffff00, 0x00ffff, 0x00ff00,
				 0xff00ff, 0xff0000, 0x0000ff, 0x000000};

void canvas_set(const struct canvas *c, unsigned int x, unsigned int y, uint32_t rgb)
{
	uint8_t *at = c->pixels + (uint64_t)y * c->stride + x * (c->depth / 8);
	uint32_t red = rgb >> 16 & 255, green = rgb >> 8 & 255, blue = rgb & 255;

	switch (c->depth) {
	case 8:
		*at = (uint8_t)((red >> 5) << 5 | (green >> 5) << 2 | blue >> 6);
		break;
	case 16:
		red = (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3;
		memcpy(at, &red, 2);
		break;
	default:
		memcpy(at, &rgb, c->depth / 8);
	}
}

uint32_t canvas_get(const struct canvas *c, unsigned int x, unsigned int y)
{
	const uint8_t *at = c->pixels + (uint64_t)y * c->stride + x * (c->depth / 8);
	uint32_t v = 0;

	memcpy(&v, at, c->depth / 8);
	if (c->depth == 8)
		return ((v >> 5) * 255 / 7) << 16 | ((v >> 2 & 7) * 255 / 7) << 8 |
		       (v & 3) * 255 / 3;
	if (c->depth == 16)
		return ((v >> 11) * 255 / 31) << 16 | ((v >> 5 & 63) * 255 / 63) << 8 |
		       (v & 31) * 255 / 31;
	return v & 0xffffff;
}

void canvas_fill(const struct canvas *c, unsigned int x, unsigned int y, unsigned int width,
		 unsigned int height, uint32_t rgb)
{
	for (unsigned int row = y; row < y + height && row < c->height; row++)
		for (unsigned int col = x; col < x + width && col < c->width; col++)
			canvas_set(c, col, row, rgb);
}

static uint32_t card_pixel(const struct canvas *c, unsigned int x, unsigned int y)
{
	int64_t dx = 2 * (int64_t)x - c->width, dy = 2 * (int64_t)y - c->height;
	int64_t d = dx * dx + dy * dy, r = c->height * 9 / 10;

	if (d < r * r && d > (r - 8) * (r - 8))
		return 0xffffff;
	if (x % 40 == 0 || y % 40 == 0 || x == c->width - 1 || y == c->height - 1)
		return 0x808080;
	if (y * 3 >= c->height * 2)
		return (x * 255 / c->width) * 0x010101;
	return bars[x * 8 / c->width];
}

void testcard_draw(const struct canvas *c)
{
	for (unsigned int y = 0; y < c->height; y++)
		for (unsigned int x = 0; x < c->width; x++)
			canvas_set(c, x, y, card_pixel(c, x, y));
}

/* Plain stores for the depth that matters, or drawing would take longer than showing it. */
void testcard_move(const struct canvas *c, unsigned int n)
{
	for (unsigned int y = 0; y < c->height; y++) {
		uint32_t rgb = (y + n * 7) * 0x030507 & 0xffffff;

		if (c->depth != 32) {
			canvas_fill(c, 0, y, c->width, 1, rgb);
			continue;
		}
		for (unsigned int x = 0; x < c->width; x++)
			((uint32_t *)(void *)(c->pixels + (uint64_t)y * c->stride))[x] = rgb + x;
	}
}
