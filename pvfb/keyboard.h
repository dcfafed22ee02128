/* SPDX-License-Identifier: MIT */
/* Which keys are down, and what a guest is told of them.  See keyboard.c. */
#ifndef PVFB_KEYBOARD_H
#define PVFB_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "pvfb/keymap.h"

enum {
	KEYBOARD_KEYS = 768, /* Linux' KEY_CNT */
	KEYBOARD_BYTES = KEYBOARD_KEYS / 8,
};

struct keyboard {
	uint8_t *down; /* KEYBOARD_BYTES, a bit for each key; may be the journal's */
	const struct keymap *map;
	bool caps; /* Caps Lock, as far as we saw it go on and off */
	/* Tells the guest. */
	void (*emit)(void *arg, uint32_t code, bool pressed);
	void *arg;
};

/* A key of Linux' numbers; a release of one that is not down is nothing. */
void keyboard_key(struct keyboard *keyboard, uint32_t code, bool pressed);
/* A symbol: the key that makes it, with the modifiers that it takes. */
void keyboard_symbol(struct keyboard *keyboard, uint32_t symbol, bool pressed);
/* Nothing is down any more: who pressed it has gone. */
void keyboard_release(struct keyboard *keyboard);

#endif
