// SPDX-License-Identifier: MIT
/*
 * What an admin can ask of pvfb on its command line, beside what all daemons take.
 */
#include <stdlib.h>

#include "pvfb/backend.h"
#include "pvfb/keymap.h"

enum {
	UID_BASE = 0x68660000, /* beside blkback's, and netback's */
	FRAMEBUFFER_MIB = 32,
	FRAMEBUFFER_MIB_MAX = 988, /* 247 directories of a 32-bit guest; fbpage.h */
};

struct pvfb_options pvfb_options = {
	.framebuffer_max = FRAMEBUFFER_MIB << 20,
	.password_dir = "/etc/xen/vnc",
};

static const struct option own[] = {
	{"all", no_argument, NULL, 'a'},
	{"framebuffer-max", required_argument, NULL, 'f'},
	{"keymap", required_argument, NULL, 'k'},
	{"password-dir", required_argument, NULL, 'd'},
	{NULL, 0, NULL, 0},
};

static const char words[] =
	"            [--all] [--framebuffer-max=MIB] [--keymap=LAYOUT] [--password-dir=DIR]\n";

static const char help[] =
	"  --all             serve each vfb and vkbd, and not only those whose device model is\n"
	"                    halfback-dm: for toolstacks that start none\n"
	"  --framebuffer-max=MIB  the most memory that a screen may have (1 to 988, default 32),\n"
	"                    unless its backend directory has a node videoram\n"
	"  --keymap=LAYOUT   the keyboard of viewers that send symbols, as xkb names it (default\n"
	"                    us)\n"
	"  --password-dir=DIR  where GUEST.password is looked for (default /etc/xen/vnc)\n";

/* Workers read the layout again; here it is only tried, so that a slip is told at once. */
static void option_keymap(const char *name, const char *value)
{
	struct keymap map;

	if (keymap_open(&map, value) < 0)
		option_refuse(name, "a layout that xkb knows (see xkeyboard-config(7))", value);
	keymap_close(&map);
	setenv("PVFB_KEYMAP", value, 1); /* for workers */
}

static void option_set(struct sup *sup, int letter, const char *name, const char *value)
{
	(void)sup;
	switch (letter) {
	case 'a':
		pvfb_options.unmarked = true;
		break;
	case 'f':
		pvfb_options.framebuffer_max = option_number(name, value, 1, FRAMEBUFFER_MIB_MAX)
					       << 20;
		break;
	case 'k':
		option_keymap(name, value);
		break;
	case 'd':
		pvfb_options.password_dir = value;
		break;
	}
}

const struct command_line pvfb_command_line = {
	.uid_base = UID_BASE,
	.devices = "screens",
	.words = words,
	.help = help,
	.own = own,
	.set = option_set,
};
