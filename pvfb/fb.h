/* SPDX-License-Identifier: MIT */
/* A guest's framebuffer.  See fb.c. */
#ifndef PVFB_FB_H
#define PVFB_FB_H

#include <stdbool.h>
#include <stdint.h>

#include "common/log.h"
#include "common/port.h"
#include "pvfb/damage.h"
#include "pvfb/fbpage.h"

struct screen;
struct screen_connect;
struct fb_journal;

struct fb {
	struct screen *screen; /* NULL: there is none */
	uint32_t serial;       /* of its CONNECT */
	struct port port;
	void __guest *page;   /* the shared one */
	void __guest *pixels; /* the framebuffer */
	uint32_t pages;
	uint32_t bytes;
	uint32_t cons; /* ours; what the page has is for the guest to read */
	struct geometry geometry;
	struct damage damage; /* since our copy was made */
	bool silent;	      /* the guest does not tell what it draws: all may have changed */
	uint32_t *shadow;     /* our copy, width x height */
	uint8_t *line;	      /* a row of the guest's, and 8 bytes */
	struct fb_journal *journal;
	size_t journal_bytes;
	bool broken; /* the supervisor was told */
};

/*
 * Maps it and takes a first look.  NULL, or why not, as a sentence; then nothing is left of it.
 * Takes over the journal's mapping in either case.
 */
const char *fb_connect(struct fb *fb, struct screen *screen, const struct screen_connect *connect,
		       uint32_t serial, struct fb_journal *journal);
/* Unmaps all. */
void fb_close(struct fb *fb);
/* Copies what has changed. */
void fb_refresh(struct fb *fb);

#endif
