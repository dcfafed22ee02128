// SPDX-License-Identifier: MIT
/*
 * What an admin can ask of blkback on its command line.  Each wrong word ends it with one sentence,
 * before anything was touched.
 */
#include "blkback/options.h"

#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blkback/image.h"
#include "blkback/limit_nodes.h"
#include "blkback/vbd.h"

enum {
	UID_BASE = 0x68620000, /* "hb": far from users, services and containers' ranges */
	UID_BASE_MIN = 1000,   /* worker 0 of base 0 would be root */
	UID_BASE_MAX = 0x7fff0000,
	SPIN_US = 50,
	SPIN_US_MAX = 1000,
	NBD_WAIT_S_MAX = 3600,
	RESTARTS = 8,
	RESTARTS_MAX = 1000,
	QUEUES = 8, /* unless there are fewer processors */
};

static const struct option options[] = {
	{"verbose", no_argument, NULL, 'v'},
	{"poll-us", required_argument, NULL, 'p'},
	{"no-io-uring", no_argument, NULL, 'U'},
	{"no-journal", no_argument, NULL, 'J'},
	{"persistent", no_argument, NULL, 'm'},
	{"kinds", required_argument, NULL, 'k'},
	{"queues", required_argument, NULL, 'q'},
	{"limit-iops", required_argument, NULL, 'l'},
	{"limit-iops-burst", required_argument, NULL, 'l'},
	{"limit-bps", required_argument, NULL, 'l'},
	{"limit-bps-burst", required_argument, NULL, 'l'},
	{"allow-backing", required_argument, NULL, 'b'},
	{"nbd-wait", required_argument, NULL, 'n'},
	{"restarts", required_argument, NULL, 'r'},
	{"uid-base", required_argument, NULL, 'u'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char usage[] =
	"usage: blkback [-v] [--kinds=LIST] [--no-io-uring] [--no-journal] [--persistent]\n"
	"               [--poll-us=N] [--queues=N] [--uid-base=N] [--limit-iops=N]\n"
	"               [--limit-iops-burst=N] [--limit-bps=N] [--limit-bps-burst=N]\n"
	"               [--restarts=N] [--nbd-wait=N] [--allow-backing=DIR]\n"
	"  -v, --verbose     log each change of a device's state\n"
	"  --kinds=LIST      which disks to serve: vbd, vbd3, qdisk (default vbd,vbd3; those of "
	"kind\n"
	"                    qdisk only where halfback-dm is the guest's device model)\n"
	"  --no-io-uring     serve disks by libaio, as where the kernel forbids io_uring\n"
	"  --no-journal      disks close if their worker or blkback ends: to measure what the "
	"journal costs\n"
	"  --poll-us=N       how long a busy worker looks for requests before it sleeps\n"
	"                    (0 to 1000 microseconds, default 20; 0 = sleep at once)\n"
	"  --persistent      offer persistent grants: the guest copies its data to pages that "
	"stay\n"
	"                    mapped, instead of blkback copying it from and to wherever it is\n"
	"  --queues=N        the most queues that a disk may have, and threads that a guest's\n"
	"                    worker may have (1 to 16, default: processors, but at most 8)\n"
	"  --restarts=N      how often a guest's worker may die, with less than a minute between, "
	"before\n"
	"                    the guest's disks are closed (0 to 1000, default 8; 0: it is replaced "
	"at\n"
	"                    once each time, however often)\n"
	"  --limit-iops=N, --limit-bps=N   requests and bytes a second that each disk may do, "
	"unless\n"
	"                    its backend directory has nodes of these names (0: no limit)\n"
	"  --limit-iops-burst=N, --limit-bps-burst=N   and at once after a rest (a tenth of that)\n"
	"  --nbd-wait=N      how many seconds a guest's I/O waits for an NBD server that is away\n"
	"                    before it fails (1 to 3600, default 30)\n"
	"  --allow-backing=DIR  images may have backing files below DIR (default: nowhere)\n"
	"  --uid-base=N      the worker of domain D runs as user N+D (default 1751252992)\n"
	"  -h, --help        this text\n"
	"Runs in the foreground and logs to standard error.  See blkback(8).\n";

static void __attribute__((noreturn)) usage_error(const char *what, const char *value)
{
	fprintf(stderr, "blkback: %s '%s'; see blkback --help\n", what, value);
	exit(2);
}

static uint32_t option_number(const char *name, const char *text, uint32_t min, uint32_t max)
{
	uint64_t value;

	if (number_parse(text, max, &value) < 0 || value < min) {
		fprintf(stderr, "blkback: --%s takes a number from %u to %u, not '%s'\n", name, min,
			max, text);
		exit(2);
	}
	return (uint32_t)value;
}

static const char *kind_named(const struct backend *backend, const char *name, size_t len)
{
	for (int i = 0; i < SUP_KINDS_MAX && backend->kinds[i]; i++)
		if (strlen(backend->kinds[i]) == len && strncmp(backend->kinds[i], name, len) == 0)
			return backend->kinds[i];
	return NULL;
}

/* A list with commas; a kind that is named twice counts once. */
static void option_kinds(struct sup *sup, const char *list)
{
	int count = 0;

	memset(sup->kinds, 0, sizeof(sup->kinds));
	for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		const char *kind = kind_named(sup->backend, at, strcspn(at, ","));
		int i = 0;

		if (!kind) {
			fprintf(stderr, "blkback: --kinds takes vbd, vbd3 and qdisk, not '%s'\n",
				at);
			exit(2);
		}
		while (i < count && sup->kinds[i] != kind)
			i++;
		sup->kinds[i] = kind;
		count += i == count;
	}
}

static void option_limit(const char *name, const char *text)
{
	uint64_t max, *value = limit_find(&limit_defaults, name, &max);

	if (number_parse(text, max, value) == 0)
		return;
	fprintf(stderr, "blkback: --%s takes a number from 0 to %llu, not '%s'\n", name,
		(unsigned long long)max, text);
	exit(2);
}

static void option_backing(const char *dir)
{
	if (dir[0] != '/')
		usage_error("--allow-backing takes a directory, not", dir);
	image_options.backing = dir;
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
	case 'm':
		sup->persistent = true;
		break;
	case 'k':
		option_kinds(sup, optarg);
		break;
	case 'q':
		sup->threads = option_number(name, optarg, 1, VBD_QUEUES_MAX);
		break;
	case 'r':
		sup->restarts = option_number(name, optarg, 0, RESTARTS_MAX);
		break;
	case 'l':
		option_limit(name, optarg);
		break;
	case 'b':
		option_backing(optarg);
		break;
	case 'n':
		image_options.nbd_wait_ms = 1000 * option_number(name, optarg, 1, NBD_WAIT_S_MAX);
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

void options_parse(struct sup *sup, int argc, char **argv)
{
	int letter, index = 0;

	sup->uid_base = UID_BASE;
	sup->spin_us = SPIN_US;
	sup->restarts = RESTARTS;
	sup->threads = default_queues();
	while ((letter = getopt_long(argc, argv, "vh", options, &index)) != -1)
		option_set(sup, letter, options[index].name);
	if (optind < argc)
		usage_error("takes no argument", argv[optind]);
}
