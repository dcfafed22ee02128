/* SPDX-License-Identifier: MIT */
/* What of a screen has changed: a few rectangles.  See damage.c. */
#ifndef PVFB_DAMAGE_H
#define PVFB_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Pixels x1 <= x < x2, y1 <= y < y2; never empty. */
struct rect {
	uint32_t x1, y1, x2, y2;
};

enum {
	DAMAGE_RECTS = 16
};

struct damage {
	uint32_t count;
	struct rect rect[DAMAGE_RECTS];
};

/*
 * The part within a screen of width x height pixels of a rectangle as a guest names one: any
 * numbers.  False if that is nothing.  Pure.
 */
bool rect_clamp(struct rect *rect, const int32_t named[4], uint32_t width, uint32_t height);

/* Adds a rectangle; when there are too many they become the one around them all. */
void damage_add(struct damage *damage, const struct rect *rect);
/* All of a screen. */
void damage_all(struct damage *damage, uint32_t width, uint32_t height);

#endif
