// SPDX-License-Identifier: MIT
/*
 * A keyboard of which each viewer presses keys, by number or by the symbols that they make.
 *
 * A viewer that sends symbols also sends those of Shift and AltGr when its user presses them; what
 * is down is mostly what the symbol takes here, too.  Where it is not (another layout, a telephone,
 * a program that types), the modifiers are pressed or let go around the key, so that the guest gets
 * the symbol.
 */
#include "pvfb/keyboard.h"

#include <linux/input-event-codes.h>

static bool is_down(const struct keyboard *keyboard, uint32_t code)
{
	return keyboard->down[code / 8] >> code % 8 & 1;
}

void keyboard_key(struct keyboard *keyboard, uint32_t code, bool pressed)
{
	if (code == 0 || code >= KEYBOARD_KEYS || (!pressed && !is_down(keyboard, code)))
		return;
	if (code == KEY_CAPSLOCK && pressed && !is_down(keyboard, code))
		keyboard->caps = !keyboard->caps;
	if (pressed)
		keyboard->down[code / 8] |= (uint8_t)(1 << code % 8);
	else
		keyboard->down[code / 8] &= (uint8_t) ~(1 << code % 8);
	keyboard->emit(keyboard->arg, code, pressed);
}

static bool is_modifier(uint32_t code)
{
	return code == KEY_LEFTSHIFT || code == KEY_RIGHTSHIFT || code == KEY_RIGHTALT;
}

/* Has a modifier's keys as `want`, and notes in `changed` which it had to change. */
static void modifier_set(const struct keyboard *keyboard, const uint32_t keys[2], bool want,
			 uint32_t changed[2])
{
	bool down = is_down(keyboard, keys[0]) || is_down(keyboard, keys[1]);

	changed[0] = changed[1] = 0;
	if (down == want)
		return;
	for (int i = 0; i < 2; i++)
		if (want ? i == 0 : is_down(keyboard, keys[i])) {
			changed[i] = keys[i];
			keyboard->emit(keyboard->arg, keys[i], want);
		}
}

static void modifier_restore(const struct keyboard *keyboard, const uint32_t changed[2], bool want)
{
	for (int i = 0; i < 2; i++)
		if (changed[i])
			keyboard->emit(keyboard->arg, changed[i], !want);
}

void keyboard_symbol(struct keyboard *keyboard, uint32_t symbol, bool pressed)
{
	static const uint32_t shift[2] = {KEY_LEFTSHIFT, KEY_RIGHTSHIFT};
	static const uint32_t altgr[2] = {KEY_RIGHTALT, KEY_RIGHTALT};
	const struct keymap_entry *entry = keymap_find(keyboard->map, symbol);
	uint32_t shifts[2], altgrs[2];
	bool want_shift, want_altgr;

	if (!entry)
		return;
	/* With Caps Lock a letter takes Shift or not, as the viewer's user sees; keys do not care.
	 */
	if (!pressed || is_modifier(entry->code) || keyboard->caps) {
		keyboard_key(keyboard, entry->code, pressed);
		return;
	}
	want_shift = entry->modifiers & KEYMAP_SHIFT;
	want_altgr = entry->modifiers & KEYMAP_ALTGR;
	modifier_set(keyboard, shift, want_shift, shifts);
	modifier_set(keyboard, altgr, want_altgr, altgrs);
	keyboard_key(keyboard, entry->code, pressed);
	modifier_restore(keyboard, altgrs, want_altgr);
	modifier_restore(keyboard, shifts, want_shift);
}

void keyboard_release(struct keyboard *keyboard)
{
	for (uint32_t code = 1; code < KEYBOARD_KEYS; code++)
		keyboard_key(keyboard, code, false);
}
