// SPDX-License-Identifier: MIT
/*
 * Scancodes to keys.  Linux numbered its keys after the XT's, so those without 0xe0 before them are
 * the same up to F12; the rest is the table of the kernel's atkbd for set 1.
 */
#include <linux/input-event-codes.h>

#include "pvfb/keymap.h"

enum {
	SAME_MAX = KEY_F12, /* 0x58 */
	EXTENDED = 0x80,
};

static const uint16_t extended[EXTENDED] = {
	[0x10] = KEY_PREVIOUSSONG, [0x19] = KEY_NEXTSONG, [0x1c] = KEY_KPENTER,
	[0x1d] = KEY_RIGHTCTRL,	   [0x20] = KEY_MUTE,	  [0x21] = KEY_CALC,
	[0x22] = KEY_PLAYPAUSE,	   [0x24] = KEY_STOPCD,	  [0x2e] = KEY_VOLUMEDOWN,
	[0x30] = KEY_VOLUMEUP,	   [0x32] = KEY_HOMEPAGE, [0x35] = KEY_KPSLASH,
	[0x37] = KEY_SYSRQ,	   [0x38] = KEY_RIGHTALT, [0x46] = KEY_PAUSE,
	[0x47] = KEY_HOME,	   [0x48] = KEY_UP,	  [0x49] = KEY_PAGEUP,
	[0x4b] = KEY_LEFT,	   [0x4d] = KEY_RIGHT,	  [0x4f] = KEY_END,
	[0x50] = KEY_DOWN,	   [0x51] = KEY_PAGEDOWN, [0x52] = KEY_INSERT,
	[0x53] = KEY_DELETE,	   [0x5b] = KEY_LEFTMETA, [0x5c] = KEY_RIGHTMETA,
	[0x5d] = KEY_COMPOSE,	   [0x5e] = KEY_POWER,	  [0x5f] = KEY_SLEEP,
	[0x63] = KEY_WAKEUP,	   [0x65] = KEY_SEARCH,	  [0x66] = KEY_BOOKMARKS,
	[0x67] = KEY_REFRESH,	   [0x68] = KEY_STOP,	  [0x69] = KEY_FORWARD,
	[0x6a] = KEY_BACK,	   [0x6b] = KEY_COMPUTER, [0x6c] = KEY_MAIL,
	[0x6d] = KEY_MEDIA,
};

uint32_t scancode_key(uint32_t scancode)
{
	switch (scancode) {
	case 0x54: /* Print with Alt */
		return KEY_SYSRQ;
	case 0x70:
		return KEY_KATAKANAHIRAGANA;
	case 0x73:
		return KEY_RO;
	case 0x79:
		return KEY_HENKAN;
	case 0x7b:
		return KEY_MUHENKAN;
	case 0x7d:
		return KEY_YEN;
	default:
		break;
	}
	if (scancode <= SAME_MAX)
		return scancode;
	return scancode >= EXTENDED && scancode < 2 * EXTENDED ? extended[scancode - EXTENDED] : 0;
}
