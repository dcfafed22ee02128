// SPDX-License-Identifier: MIT
/*
 * What an admin can ask of blkback on its command line, beside what all daemons take.
 */
#include "blkback/options.h"

#include <stdio.h>
#include <string.h>

#include "blkback/image.h"
#include "blkback/limit_nodes.h"
#include "blkback/vbd.h"

enum {
	UID_BASE = 0x68620000, /* "hb": far from users, services and containers' ranges */
	SPIN_US = 50,
	NBD_WAIT_S_MAX = 3600,
};

static const struct option own[] = {
	{"persistent", no_argument, NULL, 'm'},
	{"kinds", required_argument, NULL, 'k'},
	{"limit-iops", required_argument, NULL, 'l'},
	{"limit-iops-burst", required_argument, NULL, 'l'},
	{"limit-bps", required_argument, NULL, 'l'},
	{"limit-bps-burst", required_argument, NULL, 'l'},
	{"allow-backing", required_argument, NULL, 'b'},
	{"nbd-wait", required_argument, NULL, 'n'},
	{NULL, 0, NULL, 0},
};

static const char words[] =
	"               [--kinds=LIST] [--persistent] [--limit-iops=N] [--limit-iops-burst=N]\n"
	"               [--limit-bps=N] [--limit-bps-burst=N] [--nbd-wait=N]\n"
	"               [--allow-backing=DIR]\n";

static const char help[] =
	"  --kinds=LIST      which disks to serve: vbd, vbd3, qdisk (default vbd,vbd3; those of\n"
	"                    kind qdisk only where halfback-dm is the guest's device model)\n"
	"  --persistent      offer persistent grants: the guest copies its data to pages that\n"
	"                    stay mapped, instead of blkback copying it from and to wherever it "
	"is\n"
	"  --limit-iops=N, --limit-bps=N   requests and bytes a second that each disk may do,\n"
	"                    unless its backend directory has nodes of these names (0: no limit)\n"
	"  --limit-iops-burst=N, --limit-bps-burst=N   and at once after a rest (a tenth of that)\n"
	"  --nbd-wait=N      how many seconds a guest's I/O waits for an NBD server that is away\n"
	"                    before it fails (1 to 3600, default 30)\n"
	"  --allow-backing=DIR  images may have backing files below DIR (default: nowhere)\n";

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

		if (!kind)
			option_refuse("kinds", "vbd, vbd3 and qdisk", at);
		while (i < count && sup->kinds[i] != kind)
			i++;
		sup->kinds[i] = kind;
		count += i == count;
	}
}

static void option_limit(const char *name, const char *text)
{
	uint64_t max, *value = limit_find(&limit_defaults, name, &max);
	char what[64];

	if (number_parse(text, max, value) == 0)
		return;
	snprintf(what, sizeof(what), "a number from 0 to %llu", (unsigned long long)max);
	option_refuse(name, what, text);
}

static void option_set(struct sup *sup, int letter, const char *name, const char *value)
{
	switch (letter) {
	case 'm':
		sup->persistent = true;
		break;
	case 'k':
		option_kinds(sup, value);
		break;
	case 'l':
		option_limit(name, value);
		break;
	case 'b':
		if (value[0] != '/')
			option_refuse(name, "a directory from / on", value);
		image_options.backing = value;
		break;
	case 'n':
		image_options.nbd_wait_ms = 1000 * option_number(name, value, 1, NBD_WAIT_S_MAX);
		break;
	}
}

const struct command_line blkback_command_line = {
	.uid_base = UID_BASE,
	.spin_us = SPIN_US,
	.queues_max = VBD_QUEUES_MAX,
	.devices = "disks",
	.words = words,
	.help = help,
	.own = own,
	.set = option_set,
};
