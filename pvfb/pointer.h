/* SPDX-License-Identifier: MIT */
/* A viewer's pointer as events of a vkbd.  See pointer.c. */
#ifndef PVFB_POINTER_H
#define PVFB_POINTER_H

#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/kbdif.h>

/* How the guest wants positions; what it asks for when it connects. */
enum pointer_mode {
	POINTER_RELATIVE,
	POINTER_ABSOLUTE, /* in pixels */
	POINTER_RAW,	  /* 0 to 0x7fff over the screen's width and height */
};

struct pointer {
	uint32_t mode;
	uint32_t x, y;
	uint32_t buttons; /* RFB's mask, wheel and all */
};

enum {
	POINTER_EVENTS_MAX = 8 /* of one change: a motion, three buttons, four wheels */
};

/*
 * The viewer's pointer is at x, y of a screen of width x height, with RFB's mask of buttons: fills
 * in what to tell the guest.  How many events.  Pure.
 */
uint32_t pointer_move(struct pointer *pointer, uint32_t buttons, uint32_t x, uint32_t y,
		      uint32_t width, uint32_t height,
		      union xenkbd_in_event events[POINTER_EVENTS_MAX]);

/* The event of a key or button, by its number in Linux' input-event-codes.h. */
union xenkbd_in_event key_event(uint32_t code, uint32_t pressed);

#endif
