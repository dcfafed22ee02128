/* SPDX-License-Identifier: MIT */
/*
 * A screen with its keyboard and pointer, in its worker: the guest's vfb and vkbd of one number,
 * and the VNC server.  See screen.c.
 */
#ifndef PVFB_SCREEN_H
#define PVFB_SCREEN_H

#include "common/resume.h"
#include "common/worker.h"
#include "pvfb/fb.h"
#include "pvfb/kbd.h"
#include "pvfb/vnc.h"

/* Places in backend->kinds; a device's number is device_number(devid, one of these). */
enum screen_kind {
	SCREEN_VFB,
	SCREEN_VKBD,
};

enum {
	SCREEN_TITLE_MAX = 80,
	SCREEN_DEVICES = 4, /* SUP_KINDS_MAX */
};

/* The body of CHAN_CONNECT.  A vfb with a VNC server has two descriptors: socket, passwords. */
struct screen_connect {
	uint64_t page; /* guest frame; or, of a vkbd with `granted`, a grant reference */
	uint32_t granted;
	uint32_t event_channel;
	uint32_t resume;
	uint32_t abi;		  /* of a vfb: enum fb_abi */
	uint32_t framebuffer_max; /* bytes */
	uint32_t update;	  /* the guest tells what it has drawn */
	uint32_t pointer;	  /* of a vkbd: enum pointer_mode */
	uint32_t port;		  /* of the VNC server; the supervisor's, to find it again */
	char title[SCREEN_TITLE_MAX];
};

_Static_assert(sizeof(struct screen_connect) <= CHAN_BODY_MAX, "a CONNECT fits a message");

/* What outlives a worker. */
struct fb_journal {
	struct resume_header header;
	struct geometry geometry; /* the last that the guest asked for; width 0: as in its page */
};
struct kbd_journal {
	struct resume_header header;
	uint8_t down[KEYBOARD_BYTES]; /* keys that the guest takes for pressed */
};

/* Owned by the worker, as long as one of its devices is there. */
struct screen {
	struct worker *worker;
	struct screen *next;
	uint32_t devid;
	struct fb fb;
	struct kbd kbd;
	struct vnc vnc;
};

extern const struct worker_ops screen_worker_ops;

/* ---- between the parts --------------------------------------------------------------------- */

/* Viewers want to see: brings our copy up to date, by vnc_changed(). */
void screen_refresh(struct screen *screen);
/* A viewer's key by its symbol, or by its scancode; and its pointer. */
void screen_symbol(struct screen *screen, uint32_t symbol, bool pressed);
void screen_scancode(struct screen *screen, uint32_t scancode, bool pressed);
void screen_pointer(struct screen *screen, uint32_t buttons, uint32_t x, uint32_t y);
/* A viewer has gone, and whatever it pressed is let go. */
void screen_release(struct screen *screen);

#endif
