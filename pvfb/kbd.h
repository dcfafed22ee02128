/* SPDX-License-Identifier: MIT */
/* A guest's keyboard and pointer.  See kbd.c. */
#ifndef PVFB_KBD_H
#define PVFB_KBD_H

#include <stdint.h>

#include "common/port.h"
#include "pvfb/kbdring.h"
#include "pvfb/keyboard.h"
#include "pvfb/pointer.h"

struct screen;
struct screen_connect;
struct kbd_journal;

enum {
	KBD_WAITING = 256 /* events for which the ring has no room */
};

struct kbd {
	struct screen *screen; /* NULL: there is none */
	struct port port;
	void __guest *page;
	bool granted;
	struct kbdring ring;
	struct keyboard keyboard;
	struct pointer pointer;
	struct kbd_journal *journal;
	bool told; /* something was added since the guest was notified */
	uint32_t waiting, first;
	union xenkbd_in_event wait[KBD_WAITING];
	uint8_t down[KEYBOARD_BYTES]; /* without a journal */
};

/* The map that symbols are looked up in; before the sandbox closes.  0 or -errno, told. */
int kbd_open_keymap(const char *layout);

/* As fb_connect(). */
const char *kbd_connect(struct kbd *kbd, struct screen *screen,
			const struct screen_connect *connect, struct kbd_journal *journal);
void kbd_close(struct kbd *kbd);

/* What a viewer does; see screen.h. */
void kbd_symbol(struct kbd *kbd, uint32_t symbol, bool pressed);
void kbd_scancode(struct kbd *kbd, uint32_t scancode, bool pressed);
void kbd_pointer(struct kbd *kbd, uint32_t buttons, uint32_t x, uint32_t y, uint32_t width,
		 uint32_t height);
void kbd_release(struct kbd *kbd);

#endif
