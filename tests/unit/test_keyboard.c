// SPDX-License-Identifier: MIT
/* Symbols to keys in two layouts, scancodes to keys, and which modifiers are pressed for them. */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <xkbcommon/xkbcommon-keysyms.h>

#include "pvfb/keyboard.h"

static struct keymap us, de;
static uint8_t down[KEYBOARD_BYTES];
static struct keyboard keyboard;
static char told[512];

static void emit(void *arg, uint32_t code, bool pressed)
{
	size_t len = strlen(told);

	(void)arg;
	snprintf(told + len, sizeof(told) - len, "%s%c%u", len ? " " : "", pressed ? '+' : '-',
		 code);
}

static int start(void **state)
{
	(void)state;
	memset(down, 0, sizeof(down));
	told[0] = '\0';
	keyboard = (struct keyboard){.down = down, .map = &us, .emit = emit};
	return 0;
}

static void tells(const char *want)
{
	assert_string_equal(told, want);
	told[0] = '\0';
}

static void layouts_differ(void **state)
{
	(void)state;
	assert_int_equal(keymap_find(&us, XKB_KEY_y)->code, KEY_Y);
	assert_int_equal(keymap_find(&de, XKB_KEY_y)->code, KEY_Z);
	assert_int_equal(keymap_find(&us, XKB_KEY_at)->code, KEY_2);
	assert_int_equal(keymap_find(&us, XKB_KEY_at)->modifiers, KEYMAP_SHIFT);
	assert_int_equal(keymap_find(&de, XKB_KEY_at)->code, KEY_Q);
	assert_int_equal(keymap_find(&de, XKB_KEY_at)->modifiers, KEYMAP_ALTGR);
	assert_int_equal(keymap_find(&us, XKB_KEY_Return)->code, KEY_ENTER);
	assert_int_equal(keymap_find(&us, XKB_KEY_F11)->code, KEY_F11);
	assert_int_equal(keymap_find(&us, XKB_KEY_Left)->code, KEY_LEFT);
	assert_null(keymap_find(&us, 0x12345678));
}

static void an_unknown_layout_is_an_error(void **state)
{
	struct keymap map;

	(void)state;
	assert_int_equal(keymap_open(&map, "no-such-layout"), -ENOENT);
	assert_int_equal(keymap_open(&map, "de(nodeadkeys)"), 0);
	assert_non_null(keymap_find(&map, XKB_KEY_asciicircum));
	keymap_close(&map);
}

static void scancodes_are_keys(void **state)
{
	(void)state;
	assert_int_equal(scancode_key(0x1e), KEY_A);
	assert_int_equal(scancode_key(0x58), KEY_F12);
	assert_int_equal(scancode_key(0x9d), KEY_RIGHTCTRL);
	assert_int_equal(scancode_key(0xc8), KEY_UP);
	assert_int_equal(scancode_key(0xd3), KEY_DELETE);
	assert_int_equal(scancode_key(0x80), 0);
	assert_int_equal(scancode_key(0), 0);
	assert_int_equal(scancode_key(0x100), 0);
	assert_int_equal(scancode_key(UINT32_MAX), 0);
}

static void shift_is_pressed_for_a_symbol_that_takes_it(void **state)
{
	(void)state;
	keyboard_symbol(&keyboard, XKB_KEY_a, true);
	keyboard_symbol(&keyboard, XKB_KEY_a, false);
	tells("+30 -30");
	keyboard_symbol(&keyboard, XKB_KEY_A, true);
	keyboard_symbol(&keyboard, XKB_KEY_A, false);
	tells("+42 +30 -42 -30");
	keyboard_symbol(&keyboard, XKB_KEY_Shift_R, true);
	keyboard_symbol(&keyboard, XKB_KEY_A, true);
	tells("+54 +30");
	keyboard_symbol(&keyboard, XKB_KEY_1, true); /* of a layout that has digits with Shift */
	tells("-54 +2 +54");
}

static void altgr_likewise(void **state)
{
	(void)state;
	keyboard.map = &de;
	keyboard_symbol(&keyboard, XKB_KEY_at, true);
	tells("+100 +16 -100");
}

static void caps_lock_leaves_shift_alone(void **state)
{
	(void)state;
	keyboard_symbol(&keyboard, XKB_KEY_Caps_Lock, true);
	keyboard_symbol(&keyboard, XKB_KEY_Caps_Lock, false);
	tells("+58 -58");
	keyboard_symbol(&keyboard, XKB_KEY_A, true);
	tells("+30");
}

static void what_is_not_down_is_not_let_go(void **state)
{
	(void)state;
	keyboard_key(&keyboard, KEY_A, false);
	keyboard_key(&keyboard, KEYBOARD_KEYS, true);
	keyboard_key(&keyboard, UINT32_MAX, true);
	keyboard_key(&keyboard, 0, true);
	tells("");
	keyboard_key(&keyboard, KEY_A, true);
	keyboard_key(&keyboard, KEY_A, true); /* repeats */
	keyboard_key(&keyboard, KEYBOARD_KEYS - 1, true);
	tells("+30 +30 +767");
	keyboard_release(&keyboard);
	tells("-30 -767");
	keyboard_release(&keyboard);
	tells("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts_differ),
		cmocka_unit_test(an_unknown_layout_is_an_error),
		cmocka_unit_test(scancodes_are_keys),
		cmocka_unit_test_setup(shift_is_pressed_for_a_symbol_that_takes_it, start),
		cmocka_unit_test_setup(altgr_likewise, start),
		cmocka_unit_test_setup(caps_lock_leaves_shift_alone, start),
		cmocka_unit_test_setup(what_is_not_down_is_not_let_go, start),
	};
	int failed;

	if (keymap_open(&us, "us") < 0 || keymap_open(&de, "de") < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	keymap_close(&us);
	keymap_close(&de);
	return failed;
}
