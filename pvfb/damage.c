// SPDX-License-Identifier: MIT
/*
 * The damage of a screen, from what its guest reports until it is copied.  It takes a fixed room
 * whatever the guest reports: a guest that says much, or says things twice, gets more copied than
 * it asked for, never less.  Pure.
 */
#include "pvfb/damage.h"

static uint32_t clamp(int64_t value, uint32_t max)
{
	return value < 0 ? 0 : value > max ? max : (uint32_t)value;
}

/* In 64 bits: a sum of two numbers of the guest's fits. */
bool rect_clamp(struct rect *rect, const int32_t named[4], uint32_t width, uint32_t height)
{
	int64_t x = named[0], y = named[1];

	*rect = (struct rect){
		.x1 = clamp(x, width),
		.y1 = clamp(y, height),
		.x2 = clamp(x + named[2], width),
		.y2 = clamp(y + named[3], height),
	};
	return rect->x1 < rect->x2 && rect->y1 < rect->y2;
}

static bool rect_holds(const struct rect *outer, const struct rect *inner)
{
	return outer->x1 <= inner->x1 && outer->y1 <= inner->y1 && outer->x2 >= inner->x2 &&
	       outer->y2 >= inner->y2;
}

static void rect_join(struct rect *rect, const struct rect *other)
{
	if (other->x1 < rect->x1)
		rect->x1 = other->x1;
	if (other->y1 < rect->y1)
		rect->y1 = other->y1;
	if (other->x2 > rect->x2)
		rect->x2 = other->x2;
	if (other->y2 > rect->y2)
		rect->y2 = other->y2;
}

void damage_add(struct damage *damage, const struct rect *rect)
{
	for (uint32_t i = 0; i < damage->count; i++) {
		if (rect_holds(&damage->rect[i], rect))
			return;
		if (rect_holds(rect, &damage->rect[i])) {
			damage->rect[i] = *rect;
			return;
		}
	}
	if (damage->count < DAMAGE_RECTS) {
		damage->rect[damage->count++] = *rect;
		return;
	}
	for (uint32_t i = 1; i < damage->count; i++)
		rect_join(&damage->rect[0], &damage->rect[i]);
	rect_join(&damage->rect[0], rect);
	damage->count = 1;
}

void damage_all(struct damage *damage, uint32_t width, uint32_t height)
{
	damage->count = 1;
	damage->rect[0] = (struct rect){.x2 = width, .y2 = height};
}
