// SPDX-License-Identifier: MIT
/*
 * What an admin can ask of netback on its command line.  Each wrong word ends it with one sentence,
 * before anything was touched.
 */
#include "netback/options.h"

#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "netback/settings.h"
#include "netback/vif.h"

enum {
	UID_BASE = 0x68630000, /* beside blkback's: a guest's workers are strangers to each other */
	UID_BASE_MIN = 1000,   /* worker 0 of base 0 would be root */
	UID_BASE_MAX = 0x7fff0000,
	SPIN_US = 20,
	SPIN_US_MAX = 1000,
	RESTARTS = 8,
	RESTARTS_MAX = 1000,
	MS_MIN = 10,
	MS_MAX = 600000,
	QUEUES = 8, /* unless there are fewer processors: Linux' netback */
};

static const struct option options[] = {
	{"verbose", no_argument, NULL, 'v'},
	{"poll-us", required_argument, NULL, 'p'},
	{"no-io-uring", no_argument, NULL, 'U'},
	{"no-journal", no_argument, NULL, 'J'},
	{"queues", required_argument, NULL, 'q'},
	{"restarts", required_argument, NULL, 'r'},
	{"anti-spoof", required_argument, NULL, 's'},
	{"rx-drain-ms", required_argument, NULL, 'd'},
	{"rx-stall-ms", required_argument, NULL, 't'},
	{"uid-base", required_argument, NULL, 'u'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"usage: netback [-v] [--no-io-uring] [--no-journal] [--poll-us=N] [--queues=N]\n"
	"               [--anti-spoof=auto|off|mac|ip] [--rx-drain-ms=N] [--rx-stall-ms=N]\n"
	"               [--restarts=N] [--uid-base=N]\n"
	"  -v, --verbose     log each change of a device's state\n"
	"  --no-io-uring     a system call for each packet, as where the kernel forbids io_uring\n"
	"  --no-journal      vifs close if their worker or netback ends\n"
	"  --poll-us=N       how long a busy worker looks for packets before it sleeps\n"
	"                    (0 to 1000 microseconds, default 20; 0 = sleep at once)\n"
	"  --queues=N        the most queues that a vif may have, and threads that a guest's\n"
	"                    worker may have (1 to 16, default: processors, but at most 8)\n"
	"  --anti-spoof=MODE whether guests may send from addresses that are not their vif's: its\n"
	"                    MAC address, or its IP addresses as well; unless the node anti-spoof\n"
	"                    of its backend directory says (default auto: vifs with ip= are "
	"checked)\n"
	"  --rx-drain-ms=N   how long packets wait for a guest that offers no room for them, "
	"before\n"
	"                    they are dropped (10 to 600000, default 10000)\n"
	"  --rx-stall-ms=N   and then, before its interface loses its carrier (default 60000)\n"
	"  --restarts=N      how often a guest's worker may die, with less than a minute between, "
	"before\n"
	"                    the guest's vifs are closed (0 to 1000, default 8; 0: it is replaced "
	"at\n"
	"                    once each time, however often)\n"
	"  --uid-base=N      the worker of domain D runs as user N+D (default 1751318528)\n"
	"  -h, --help        this text\n"
	"Runs in the foreground and logs to standard error.  See netback(8).\n";

static uint32_t option_number(const char *name, const char *text, uint32_t min, uint32_t max)
{
	uint64_t value;

	if (number_parse(text, max, &value) < 0 || value < min) {
		fprintf(stderr, "netback: --%s takes a number from %u to %u, not '%s'\n", name, min,
			max, text);
		exit(2);
	}
	return (uint32_t)value;
}

static uint32_t default_queues(void)
{
	cpu_set_t cpus;
	int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;

	return count < QUEUES ? (uint32_t)count : QUEUES;
}

/* `name` is the long one, `letter` its last field in the table. */
static void option_set(struct sup *sup, int letter, const char *name)
{
	switch (letter) {
	case 'v':
		sup->verbose = true;
		break;
	case 'p':
		sup->spin_us = option_number(name, optarg, 0, SPIN_US_MAX);
		break;
	case 'U':
		sup->no_uring = true;
		break;
	case 'J':
		sup->no_journal = true;
		break;
	case 'q':
		sup->threads = option_number(name, optarg, 1, VIF_QUEUES_MAX);
		break;
	case 'r':
		sup->restarts = option_number(name, optarg, 0, RESTARTS_MAX);
		break;
	case 's':
		if (settings_parse_spoof(optarg, &settings_defaults.spoof) == 0)
			break;
		fprintf(stderr, "netback: --anti-spoof takes auto, off, mac or ip, not '%s'\n",
			optarg);
		exit(2);
	case 'd':
		settings_defaults.drain_ms = option_number(name, optarg, MS_MIN, MS_MAX);
		break;
	case 't':
		settings_defaults.stall_ms = option_number(name, optarg, MS_MIN, MS_MAX);
		break;
	case 'u':
		sup->uid_base = option_number(name, optarg, UID_BASE_MIN, UID_BASE_MAX);
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	default:
		exit(2);
	}
}

void netback_options(struct sup *sup, int argc, char **argv)
{
	int letter, index = 0;

	sup->uid_base = UID_BASE;
	sup->spin_us = SPIN_US;
	sup->restarts = RESTARTS;
	sup->threads = default_queues();
	while ((letter = getopt_long(argc, argv, "vh", options, &index)) != -1)
		option_set(sup, letter, options[index].name);
	if (optind < argc) {
		fprintf(stderr, "netback: takes no argument '%s'; see netback --help\n",
			argv[optind]);
		exit(2);
	}
}
