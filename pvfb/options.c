// SPDX-License-Identifier: MIT
/*
 * What an admin can ask of pvfb on its command line.  Each wrong word ends it with one sentence,
 * before anything was touched.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "pvfb/backend.h"
#include "pvfb/keymap.h"

enum {
	UID_BASE = 0x68660000, /* beside blkback's, and netback's */
	UID_BASE_MIN = 1000,   /* worker 0 of base 0 would be root */
	UID_BASE_MAX = 0x7fff0000,
	RESTARTS = 8,
	RESTARTS_MAX = 1000,
	FRAMEBUFFER_MIB = 32,
	FRAMEBUFFER_MIB_MAX = 988, /* 247 directories of a 32-bit guest; fbpage.h */
};

struct pvfb_options pvfb_options = {
	.framebuffer_max = FRAMEBUFFER_MIB << 20,
	.password_dir = "/etc/xen/vnc",
	.keymap = "us",
};

static const struct option options[] = {
	{"verbose", no_argument, NULL, 'v'},
	{"all", no_argument, NULL, 'a'},
	{"framebuffer-max", required_argument, NULL, 'f'},
	{"keymap", required_argument, NULL, 'k'},
	{"no-io-uring", no_argument, NULL, 'U'},
	{"no-journal", no_argument, NULL, 'J'},
	{"password-dir", required_argument, NULL, 'p'},
	{"restarts", required_argument, NULL, 'r'},
	{"uid-base", required_argument, NULL, 'u'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"usage: pvfb [-v] [--all] [--framebuffer-max=MIB] [--keymap=LAYOUT] [--no-io-uring]\n"
	"            [--no-journal] [--password-dir=DIR] [--restarts=N] [--uid-base=N]\n"
	"  -v, --verbose     log each change of a device's state\n"
	"  --all             serve each vfb and vkbd, and not only those whose device model is\n"
	"                    halfback-dm: for toolstacks that start none\n"
	"  --framebuffer-max=MIB  the most memory that a screen may have (1 to 988, default 32),\n"
	"                    unless its backend directory has a node videoram\n"
	"  --keymap=LAYOUT   the keyboard of viewers that send symbols, as xkb names it (default "
	"us)\n"
	"  --no-io-uring     wait with epoll, as where the kernel forbids io_uring\n"
	"  --no-journal      screens close if their worker or pvfb ends\n"
	"  --password-dir=DIR  where GUEST.password is looked for (default /etc/xen/vnc)\n"
	"  --restarts=N      how often a guest's worker may die, with less than a minute between,\n"
	"                    before its screens are closed (0 to 1000, default 8; 0: any number)\n"
	"  --uid-base=N      the worker of domain D runs as user N+D (default 1751515136)\n"
	"  -h, --help        this text\n"
	"Runs in the foreground and logs to standard error.  See pvfb(8).\n";

static uint32_t option_number(const char *name, uint32_t min, uint32_t max)
{
	uint64_t value;

	if (number_parse(optarg, max, &value) < 0 || value < min) {
		fprintf(stderr, "pvfb: --%s takes a number from %u to %u, not '%s'\n", name, min,
			max, optarg);
		exit(2);
	}
	return (uint32_t)value;
}

/* Workers read the layout again; here it is only tried, so that a slip is told at once. */
static void option_keymap(void)
{
	struct keymap map;

	if (keymap_open(&map, optarg) < 0) {
		fprintf(stderr,
			"pvfb: --keymap takes a layout that xkb knows (see xkeyboard-config(7)), "
			"not '%s'\n",
			optarg);
		exit(2);
	}
	keymap_close(&map);
	pvfb_options.keymap = optarg;
}

static void option_set(struct sup *sup, int letter, const char *name)
{
	switch (letter) {
	case 'v':
		sup->verbose = true;
		break;
	case 'a':
		pvfb_options.unmarked = true;
		break;
	case 'f':
		pvfb_options.framebuffer_max = option_number(name, 1, FRAMEBUFFER_MIB_MAX) << 20;
		break;
	case 'k':
		option_keymap();
		break;
	case 'U':
		sup->no_uring = true;
		break;
	case 'J':
		sup->no_journal = true;
		break;
	case 'p':
		pvfb_options.password_dir = optarg;
		break;
	case 'r':
		sup->restarts = option_number(name, 0, RESTARTS_MAX);
		break;
	case 'u':
		sup->uid_base = option_number(name, UID_BASE_MIN, UID_BASE_MAX);
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	default:
		exit(2);
	}
}

void options_parse(struct sup *sup, int argc, char **argv)
{
	int letter, index = 0;

	sup->uid_base = UID_BASE;
	sup->restarts = RESTARTS;
	sup->threads = 1;
	while ((letter = getopt_long(argc, argv, "vh", options, &index)) != -1)
		option_set(sup, letter, options[index].name);
	if (optind < argc) {
		fprintf(stderr, "pvfb: takes no argument '%s'; see pvfb --help\n", argv[optind]);
		exit(2);
	}
	setenv("PVFB_KEYMAP", pvfb_options.keymap, 1); /* for workers */
}
