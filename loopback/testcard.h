/* SPDX-License-Identifier: MIT */
/* Something to see on a guest's screen. */
#ifndef LOOPBACK_TESTCARD_H
#define LOOPBACK_TESTCARD_H

#include <stdint.h>

struct canvas {
	uint8_t *pixels;
	unsigned int width, height, stride, depth; /* pixels, bytes, bits */
};

void canvas_set(const struct canvas *c, unsigned int x, unsigned int y, uint32_t rgb);
/* What it shows there, as far as its depth allows. */
uint32_t canvas_get(const struct canvas *c, unsigned int x, unsigned int y);
void canvas_fill(const struct canvas *c, unsigned int x, unsigned int y, unsigned int width,
		 unsigned int height, uint32_t rgb);
/* Bars, shades, a grid and a circle. */
void testcard_draw(const struct canvas *c);
/* All of the screen, another picture for each `n`. */
void testcard_move(const struct canvas *c, unsigned int n);

#endif
