// SPDX-License-Identifier: MIT
/*
 * A guest's framebuffer and the page of events beside it.
 *
 * It owns the maps of both, and the shadow: our copy of the pixels, which alone the encoders read.
 * What the guest says that it has drawn is noted as damage, and copied when a viewer wants to see
 * it, so a guest that draws for nobody costs an event.  Events are taken as they come: there are at
 * most 51 of them each time.
 *
 * The pages stay mapped as the guest listed them when it connected; a RESIZE is another view of
 * them.  Nothing that the guest writes ends more than its own device.
 */
#include "pvfb/fb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/runfile.h"
#include "pvfb/map.h"
#include "pvfb/pixels.h"
#include "pvfb/screen.h"

/* ---- mapping ------------------------------------------------------------------------------ */

/* The frames that hold pixels, from the directory's pages: each entry is read once. */
static uint64_t *directory_read(void __guest *page, const struct fb_directory *dir)
{
	uint64_t *frames = calloc((size_t)dir->dirs + dir->pages, sizeof(*frames));
	uint64_t *list;
	void __guest *dirs;

	if (!frames)
		log_panic("out of memory");
	list = frames + dir->pages;
	for (uint32_t i = 0; i < dir->dirs; i++)
		list[i] = fbpage_dir(page, dir->abi, i);
	dirs = map_frames(list, dir->dirs, false);
	for (uint32_t i = 0; dirs && i < dir->pages; i++)
		frames[i] = fbpage_frame(dirs, dir->abi, i);
	map_undo(dirs, dir->dirs);
	if (dirs)
		return frames;
	free(frames);
	return NULL;
}

static const char *pixels_map(struct fb *fb, enum fb_abi abi, uint32_t bytes)
{
	struct fb_directory dir;
	uint64_t *frames;

	if (fbpage_directory(&dir, abi == FB_ABI_UNKNOWN ? fbpage_abi(fb->page) : abi, bytes) < 0)
		return "its framebuffer has no pages, or more than its directory can list";
	frames = directory_read(fb->page, &dir);
	if (!frames)
		return "a page of its framebuffer's directory is none of the guest's";
	fb->pixels = map_frames(frames, dir.pages, false);
	fb->pages = dir.pages;
	fb->bytes = bytes;
	free(frames);
	return fb->pixels ? NULL : "a page of its framebuffer is none of the guest's";
}

/* Takes a geometry: a shadow of its size, all of it to be copied. */
static int fb_shape(struct fb *fb, const struct geometry *geometry)
{
	uint32_t *shadow = calloc((size_t)geometry->width * geometry->height, sizeof(*shadow));
	uint8_t *line = malloc(geometry_row_bytes(geometry) + 8);
	uint32_t *old = fb->shadow;

	if (!shadow || !line) {
		free(shadow);
		free(line);
		return -ENOMEM;
	}
	free(fb->line);
	fb->shadow = shadow;
	fb->line = line;
	fb->geometry = *geometry;
	damage_all(&fb->damage, geometry->width, geometry->height);
	vnc_resize(&fb->screen->vnc, shadow, geometry->width, geometry->height);
	free(old);
	return 0;
}

/* The geometry that an earlier worker was told.  False: none, or it does not fit any more. */
static bool journal_shape(const struct fb *fb, struct geometry *geometry)
{
	struct geometry last;

	if (!fb->journal)
		return false;
	memcpy(&last, &fb->journal->geometry, sizeof(last));
	return last.width > 0 &&
	       !geometry_check(geometry,
			       &(struct geometry_claim){(int32_t)last.width, (int32_t)last.height,
							(int32_t)last.stride, (int32_t)last.depth,
							(int32_t)last.offset},
			       fb->bytes);
}

static const char *fb_first_shape(struct fb *fb, const struct fb_head *head, bool resume)
{
	const char *why = NULL;
	struct geometry geometry;

	if (!resume || !journal_shape(fb, &geometry))
		why = geometry_check(&geometry, &head->claim, fb->bytes);
	/* --framebuffer-max bounds it, so it is this host that is short: the next worker may not
	 * be. */
	if (!why && fb_shape(fb, &geometry) < 0)
		log_panic("out of memory");
	return why;
}

/* ---- events -------------------------------------------------------------------------------- */

static void fb_fail(struct fb *fb, const char *why)
{
	char text[CHAN_TEXT_MAX];

	if (fb->broken)
		return;
	fb->broken = true;
	snprintf(text, sizeof(text), "%s; the guest has to connect its screen again", why);
	worker_answer(CHAN_FAILED, fb->screen->devid * SCREEN_DEVICES + SCREEN_VFB, fb->serial,
		      text);
}

static void fb_resize(struct fb *fb, const struct geometry_claim *claim)
{
	struct geometry geometry;
	const char *why = geometry_check(&geometry, claim, fb->bytes);

	if (why) {
		log_guest(&fb->screen->worker->threads[0].limit,
			  "vfb %u: asked for another size, but %s; the old one stays",
			  fb->screen->devid, why);
		return;
	}
	if (memcmp(&geometry, &fb->geometry, sizeof(geometry)) == 0)
		return;
	if (fb_shape(fb, &geometry) < 0)
		fb_fail(fb, "there is no memory for the size that it asked for");
	else if (fb->journal)
		fb->journal->geometry = geometry;
}

static void fb_event(struct fb *fb, const struct fb_event *event)
{
	struct rect rect;

	switch (event->type) {
	case FB_EVENT_UPDATE:
		if (rect_clamp(&rect, event->update, fb->geometry.width, fb->geometry.height))
			damage_add(&fb->damage, &rect);
		break;
	case FB_EVENT_RESIZE:
		fb_resize(fb, &event->resize);
		break;
	default:
		fb_fail(fb, "its guest sent an event that fbif.h does not have");
	}
}

static void fb_kicked(struct port *port)
{
	struct fb *fb = (struct fb *)((char *)port - offsetof(struct fb, port));
	uint32_t before = fb->cons, count = fbpage_pending(fb->page, before);

	if (fb->broken || count == 0)
		return;
	if (count > FB_OUT_SLOTS) {
		fb_fail(fb, "its guest's ring has more events than slots");
		return;
	}
	for (; count > 0 && !fb->broken; count--) {
		struct fb_event event;

		fbpage_take(&event, fb->page, fb->cons++);
		fb_event(fb, &event);
	}
	if (fbpage_retire(fb->page, fb->cons, before))
		port_notify(port);
	vnc_damaged(&fb->screen->vnc);
}

/* ---- copying ------------------------------------------------------------------------------- */

static void fb_copy(struct fb *fb, const struct rect *rect)
{
	const struct geometry *g = &fb->geometry;
	uint32_t pixel = g->depth / 8, count = rect->x2 - rect->x1;

	for (uint32_t y = rect->y1; y < rect->y2; y++) {
		uint64_t at = g->offset + (uint64_t)y * g->stride + (uint64_t)rect->x1 * pixel;
		const uint8_t *row = pixels_fetch(fb->line, fb->pixels, at, count * pixel);

		pixels_convert(fb->shadow + (size_t)y * g->width + rect->x1, row, count, g->depth);
	}
	vnc_changed(&fb->screen->vnc, rect);
}

void fb_refresh(struct fb *fb)
{
	if (fb->broken)
		return;
	if (fb->silent)
		damage_all(&fb->damage, fb->geometry.width, fb->geometry.height);
	for (uint32_t i = 0; i < fb->damage.count; i++)
		fb_copy(fb, &fb->damage.rect[i]);
	fb->damage.count = 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

void fb_close(struct fb *fb)
{
	port_unbind(&fb->port);
	map_undo(fb->pixels, fb->pages);
	map_undo(fb->page, 1);
	free(fb->shadow);
	free(fb->line);
	/* With the mapping goes the lock that keeps the next worker away. */
	runfile_unmap(fb->journal, sizeof(*fb->journal));
	memset(fb, 0, sizeof(*fb));
}

static const char *fb_open(struct fb *fb, const struct screen_connect *connect)
{
	struct thread *thread = &fb->screen->worker->threads[0];
	struct fb_head head;
	const char *why;

	fb->page = map_frames(&connect->page, 1, true);
	if (!fb->page)
		return "its page-ref is no page of the guest's";
	fbpage_head(&head, fb->page);
	if (head.bytes > connect->framebuffer_max)
		return "its framebuffer is larger than --framebuffer-max, or the node videoram, "
		       "allows";
	why = pixels_map(fb, connect->abi, head.bytes);
	if (!why)
		why = fb_first_shape(fb, &head, connect->resume);
	if (why)
		return why;
	fb->cons = fbpage_cons(fb->page);
	fb->silent = !connect->update;
	fb->port.kicked = fb_kicked;
	if (port_bind(&fb->port, &thread->ports, thread->domid, connect->event_channel) < 0)
		return "its event-channel is none that it has for us";
	return NULL;
}

const char *fb_connect(struct fb *fb, struct screen *screen, const struct screen_connect *connect,
		       uint32_t serial, struct fb_journal *journal)
{
	const char *why;

	memset(fb, 0, sizeof(*fb));
	fb->screen = screen;
	fb->serial = serial;
	fb->journal = journal;
	why = fb_open(fb, connect);
	if (why)
		fb_close(fb);
	else
		fb_kicked(&fb->port); /* what was said before we listened */
	return why;
}
