/* SPDX-License-Identifier: MIT */
/* The page that a vfb shares with its guest: xen/io/fbif.h.  See fbpage.c. */
#ifndef PVFB_FBPAGE_H
#define PVFB_FBPAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/guest.h"
#include "pvfb/geometry.h"

enum {
	FB_PAGE = 4096,
	FB_SLOT_WORDS = 10, /* of an event */
	FB_OUT_SLOTS = 51,
};

/* How wide an entry of the page directory is; its guest's unsigned long. */
enum fb_abi {
	FB_ABI_UNKNOWN, /* the guest does not say: fbpage_abi() */
	FB_ABI_32,
	FB_ABI_64,
};

/* What stands in the page before its directory. */
struct fb_head {
	struct geometry_claim claim;
	uint32_t bytes; /* of framebuffer */
};

void fbpage_head(struct fb_head *head, const void __guest *page);
/* For guests that wrote no `protocol`: older than it, with one directory.  QEMU's xenfb does so. */
enum fb_abi fbpage_abi(const void __guest *page);

/* ---- the page directory ------------------------------------------------------------------- */

struct fb_directory {
	enum fb_abi abi;
	uint32_t pages; /* of framebuffer */
	uint32_t dirs;	/* pages that list them */
};

/*
 * How `bytes` of framebuffer are listed.  0, or -EFBIG if their directory would reach into the
 * rings: what fbif.h has as 256 entries overlaps them from entry 123 (32-bit guests: 247) on.
 * -EINVAL if there are none.  Pure.
 */
int fbpage_directory(struct fb_directory *dir, enum fb_abi abi, uint32_t bytes);
/* The guest frame of entry `index` of the page's own directory. */
uint64_t fbpage_dir(const void __guest *page, enum fb_abi abi, uint32_t index);
/* The guest frame of entry `index` of all directory pages, mapped in a row at `dirs`. */
uint64_t fbpage_frame(const void __guest *dirs, enum fb_abi abi, uint32_t index);

/* ---- the ring of events from the guest ------------------------------------------------------ */

enum fb_event_type {
	FB_EVENT_UNKNOWN,
	FB_EVENT_UPDATE,
	FB_EVENT_RESIZE,
};

struct fb_event {
	enum fb_event_type type;
	union {
		int32_t update[4]; /* x, y, width, height */
		struct geometry_claim resize;
	};
};

/* Where the next event is, and how many there are; more than FB_OUT_SLOTS is nonsense. */
uint32_t fbpage_cons(const void __guest *page);
uint32_t fbpage_pending(const void __guest *page, uint32_t cons);
/* Copies the slot of index `cons` out, once, and parses the copy. */
void fbpage_take(struct fb_event *event, const void __guest *page, uint32_t cons);
/*
 * The slots from `before` to `cons` are free again.  True if the guest may wait for that: most of
 * the ring was full.  Else it needs no notification, and is woken by none.
 */
bool fbpage_retire(void __guest *page, uint32_t cons, uint32_t before);

/* Pure: any words. */
void fb_event_parse(struct fb_event *event, const uint32_t slot[FB_SLOT_WORDS]);

#endif
