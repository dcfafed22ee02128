// SPDX-License-Identifier: MIT
/*
 * What an admin can ask of netback on its command line, beside what all daemons take.
 */
#include "netback/options.h"

#include "netback/settings.h"
#include "netback/vif.h"

enum {
	UID_BASE = 0x68630000, /* beside blkback's: a guest's workers are strangers to each other */
	SPIN_US = 20,
	MS_MIN = 10,
	MS_MAX = 600000,
};

static const struct option own[] = {
	{"anti-spoof", required_argument, NULL, 's'},
	{"rx-drain-ms", required_argument, NULL, 'd'},
	{"rx-stall-ms", required_argument, NULL, 't'},
	{NULL, 0, NULL, 0},
};

static const char words[] =
	"               [--anti-spoof=auto|off|mac|ip] [--rx-drain-ms=N] [--rx-stall-ms=N]\n";

static const char help[] =
	"  --anti-spoof=MODE whether guests may send from addresses that are not their vif's: its\n"
	"                    MAC address, or its IP addresses as well; unless the node anti-spoof\n"
	"                    of its backend directory says (default auto: vifs with ip= are\n"
	"                    checked)\n"
	"  --rx-drain-ms=N   how long packets wait for a guest that offers no room for them,\n"
	"                    before they are dropped (10 to 600000, default 10000)\n"
	"  --rx-stall-ms=N   and then, before its interface loses its carrier (default 60000)\n";

static void option_set(struct sup *sup, int letter, const char *name, const char *value)
{
	(void)sup;
	switch (letter) {
	case 's':
		if (settings_parse_spoof(value, &settings_defaults.spoof) < 0)
			option_refuse(name, "auto, off, mac or ip", value);
		break;
	case 'd':
		settings_defaults.drain_ms = option_number(name, value, MS_MIN, MS_MAX);
		break;
	case 't':
		settings_defaults.stall_ms = option_number(name, value, MS_MIN, MS_MAX);
		break;
	}
}

const struct command_line netback_command_line = {
	.uid_base = UID_BASE,
	.spin_us = SPIN_US,
	.queues_max = VIF_QUEUES_MAX,
	.devices = "vifs",
	.words = words,
	.help = help,
	.own = own,
	.set = option_set,
};
