/* SPDX-License-Identifier: MIT */
/* Which key of a keyboard makes a symbol.  See keymap.c. */
#ifndef PVFB_KEYMAP_H
#define PVFB_KEYMAP_H

#include <stdbool.h>
#include <stdint.h>

/* With which modifiers a key makes its symbol. */
enum {
	KEYMAP_SHIFT = 1 << 0,
	KEYMAP_ALTGR = 1 << 1
};

struct keymap_entry {
	uint32_t symbol; /* an X keysym */
	uint16_t code;	 /* Linux' KEY_... */
	uint16_t modifiers;
};

struct keymap {
	struct keymap_entry *entries; /* sorted by symbol, each once */
	uint32_t count;
};

/*
 * Makes the map of a layout as xkb names it: "us", "de", "de(nodeadkeys)".  It reads the system's
 * files.  0, -ENOENT: there is no such layout, -ENOMEM.
 */
int keymap_open(struct keymap *map, const char *layout);
void keymap_close(struct keymap *map);
/* NULL if no key makes the symbol. */
const struct keymap_entry *keymap_find(const struct keymap *map, uint32_t symbol);

/*
 * The key of a scancode as RFB's QEMU Extended Key Event has it: those of an XT keyboard, with the
 * high bit for those behind 0xe0.  0: no key.
 */
uint32_t scancode_key(uint32_t scancode);

#endif
