// SPDX-License-Identifier: MIT
/*
 * Symbols to keys, by libxkbcommon: of each key of the layout, what it makes alone, with shift,
 * with AltGr and with both.  The lowest modifiers win, then the lowest key.
 *
 * xkb's own tables take megabytes and its files; both are gone when keymap_open() returns.
 */
#include "pvfb/keymap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xkbcommon/xkbcommon.h>

enum {
	LEVELS = 4,
	EVDEV_OFFSET = 8, /* xkb's keycodes are Linux' and 8 */
	KEYS_MAX = 256,
};

static int by_symbol(const void *a, const void *b)
{
	const struct keymap_entry *x = a, *y = b;

	if (x->symbol != y->symbol)
		return x->symbol < y->symbol ? -1 : 1;
	if (x->modifiers != y->modifiers)
		return x->modifiers < y->modifiers ? -1 : 1;
	return x->code < y->code ? -1 : x->code > y->code;
}

static void keymap_add_key(struct keymap *map, struct xkb_keymap *xkb, xkb_keycode_t key)
{
	xkb_level_index_t levels = xkb_keymap_num_levels_for_key(xkb, key, 0);

	for (xkb_level_index_t level = 0; level < levels && level < LEVELS; level++) {
		const xkb_keysym_t *symbols;
		int n = xkb_keymap_key_get_syms_by_level(xkb, key, 0, level, &symbols);

		if (n == 1)
			map->entries[map->count++] = (struct keymap_entry){
				.symbol = symbols[0],
				.code = (uint16_t)(key - EVDEV_OFFSET),
				.modifiers = (uint16_t)level,
			};
	}
}

static int keymap_fill(struct keymap *map, struct xkb_keymap *xkb)
{
	uint32_t kept = 0;

	map->entries = calloc((size_t)KEYS_MAX * LEVELS, sizeof(*map->entries));
	if (!map->entries)
		return -ENOMEM;
	for (xkb_keycode_t key = EVDEV_OFFSET + 1; key < KEYS_MAX; key++)
		keymap_add_key(map, xkb, key);
	qsort(map->entries, map->count, sizeof(*map->entries), by_symbol);
	for (uint32_t i = 0; i < map->count; i++)
		if (kept == 0 || map->entries[kept - 1].symbol != map->entries[i].symbol)
			map->entries[kept++] = map->entries[i];
	map->count = kept;
	return 0;
}

/* "de(nodeadkeys)" is layout and variant. */
static void layout_split(const char *text, char *layout, char *variant, size_t size)
{
	const char *open = strchr(text, '(');
	size_t len = open ? (size_t)(open - text) : strlen(text);

	snprintf(layout, size, "%.*s", (int)len, text);
	variant[0] = '\0';
	if (open)
		snprintf(variant, size, "%.*s", (int)strcspn(open + 1, ")"), open + 1);
}

int keymap_open(struct keymap *map, const char *text)
{
	struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
	char layout[64], variant[64];
	struct xkb_rule_names names = {
		.rules = "evdev",
		.model = "pc105",
		.layout = layout,
		.variant = variant,
	};
	struct xkb_keymap *xkb;
	int err;

	memset(map, 0, sizeof(*map));
	if (!context)
		return -ENOMEM;
	xkb_context_set_log_level(context, XKB_LOG_LEVEL_CRITICAL);
	layout_split(text, layout, variant, sizeof(layout));
	xkb = xkb_keymap_new_from_names(context, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
	err = xkb ? keymap_fill(map, xkb) : -ENOENT;
	xkb_keymap_unref(xkb);
	xkb_context_unref(context);
	return err;
}

void keymap_close(struct keymap *map)
{
	free(map->entries);
	memset(map, 0, sizeof(*map));
}

static int compare_symbol(const void *key, const void *element)
{
	uint32_t symbol = *(const uint32_t *)key;
	const struct keymap_entry *entry = element;

	return symbol < entry->symbol ? -1 : symbol > entry->symbol;
}

const struct keymap_entry *keymap_find(const struct keymap *map, uint32_t symbol)
{
	if (map->count == 0)
		return NULL;
	return bsearch(&symbol, map->entries, map->count, sizeof(*map->entries), compare_symbol);
}
