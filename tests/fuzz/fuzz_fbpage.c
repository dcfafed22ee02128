// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any bytes as the page that a screen shares with its guest.  Whatever passes
 * of its geometry, its directory and its events lies within the framebuffer, and the shadow of it
 * can be filled from there.
 */
#include <stdint.h>

#include "pvfb/damage.h"
#include "pvfb/fbpage.h"
#include "pvfb/pixels.h"
#include "tests/fuzz/fuzz.h"

enum {
	BYTES_MAX = 64 * FB_PAGE
};

static union {
	uint32_t word[FB_PAGE / 4];
	uint8_t byte[FB_PAGE];
} page;
static uint32_t memory[BYTES_MAX / 4], row[GEOMETRY_SIDE_MAX];
static uint8_t line[GEOMETRY_SIDE_MAX * 4 + 8];

/* The last pixels that there are, which are where it could go wrong. */
static void check_geometry(const struct geometry *geometry, uint32_t bytes)
{
	uint64_t last = geometry->offset + (geometry->height - 1) * (uint64_t)geometry->stride;
	uint32_t n = geometry_row_bytes(geometry);

	check(geometry->width <= GEOMETRY_SIDE_MAX && geometry->height <= GEOMETRY_SIDE_MAX);
	check(last + n <= bytes);
	if (bytes > BYTES_MAX)
		return;
	pixels_convert(row, pixels_fetch(line, guest_mark(memory), last, n), geometry->width,
		       geometry->depth);
}

static void check_event(struct geometry *geometry, uint32_t bytes, const struct fb_event *event)
{
	struct damage damage = {0};
	struct geometry next;
	struct rect rect;

	if (event->type == FB_EVENT_UPDATE &&
	    rect_clamp(&rect, event->update, geometry->width, geometry->height)) {
		check(rect.x1 < rect.x2 && rect.x2 <= geometry->width);
		check(rect.y1 < rect.y2 && rect.y2 <= geometry->height);
		damage_add(&damage, &rect);
	}
	if (event->type == FB_EVENT_RESIZE &&
	    geometry_check(&next, &event->resize, bytes) == NULL) {
		*geometry = next;
		check_geometry(geometry, bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void __guest *shared = guest_mark(&page);
	struct fb_directory dir;
	struct geometry geometry;
	struct fb_head head;
	uint32_t cons;

	memset(&page, 0, sizeof(page));
	memcpy(&page, data, size < sizeof(page) ? size : sizeof(page));
	fbpage_head(&head, shared);
	if (fbpage_directory(&dir, fbpage_abi(shared), head.bytes) < 0)
		return 0;
	check(dir.pages >= 1 && (uint64_t)dir.pages * FB_PAGE >= head.bytes && dir.dirs < 256);
	for (uint32_t i = 0; i < dir.dirs; i++)
		fbpage_dir(shared, dir.abi, i);
	if (geometry_check(&geometry, &head.claim, head.bytes))
		return 0;
	check_geometry(&geometry, head.bytes);
	cons = fbpage_cons(shared);
	if (fbpage_pending(shared, cons) > FB_OUT_SLOTS)
		return 0;
	for (uint32_t n = fbpage_pending(shared, cons); n > 0; n--) {
		struct fb_event event;

		fbpage_take(&event, shared, cons++);
		check_event(&geometry, head.bytes, &event);
	}
	fbpage_retire(shared, cons, head.bytes);
	check(fbpage_pending(shared, cons) == 0);
	return 0;
}
