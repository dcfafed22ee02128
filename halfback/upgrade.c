// SPDX-License-Identifier: MIT
/*
 * halfback upgrade: asks each daemon to let its newly installed program take over, for one guest or
 * for all, by nodes of its own domain (common/upgrade.c); and tells whether all devices that worked
 * go on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/instance.h"
#include "halfback/print.h"
#include "halfback/wish.h"

static const struct daemon {
	const char *name;
	const char *device; /* what it serves */
} daemons[] = {{"blkback", "disk"}, {"netback", "NIC"}, {"pvfb", "device"}};

enum {
	DAEMONS = sizeof(daemons) / sizeof(daemons[0])
};

/* Of a daemon that answers with a number: so many of its devices go on. */
static int upgrade_judge(const struct daemon *daemon, const char *answer, bool all, size_t before)
{
	const char *whose = all ? "of all guests" : "of this guest";
	uint64_t after;

	if (number_parse(answer, UINT32_MAX, &after) < 0) {
		say("%s: %s", daemon->name, answer);
		return -1;
	}
	if (after < before) {
		say("only %" PRIu64 " of %zu %ss %s go on; halfback list says why", after, before,
		    daemon->device, whose);
		return -1;
	}
	printf("%" PRIu64 " %s%s %s go%s on with the new program\n", after, daemon->device,
	       after == 1 ? "" : "s", whose, after == 1 ? "es" : "");
	return 0;
}

static int upgrade_ask(const struct daemon *daemon, const char *what, bool all, size_t before)
{
	struct wish wish;
	char node[64], *answer;
	int ret = -1;

	snprintf(node, sizeof(node), "data/halfback/%s/upgrade", daemon->name);
	if (wish_open(&wish, node) < 0)
		return -1;
	answer = wish_make(&wish, what);
	if (answer)
		ret = upgrade_judge(daemon, answer, all, before);
	free(answer);
	wish_close(&wish);
	return ret;
}

int upgrade_vbds(const struct vbds *vbds, bool all)
{
	int ret = 0, asked = 0;

	for (size_t d = 0; d < DAEMONS; d++) {
		char what[16] = "all";
		size_t known = 0, before = 0;

		for (size_t i = 0; i < vbds->count; i++) {
			const struct vbd *vbd = &vbds->vbd[i];

			if (strcmp(vbd->daemon, daemons[d].name) != 0)
				continue;
			known++;
			before += vbd->counted;
			if (!all)
				snprintf(what, sizeof(what), "%u", vbd->domid);
		}
		if ((!all && known == 0) || instance_find(daemons[d].name) <= 0)
			continue;
		asked++;
		ret |= upgrade_ask(&daemons[d], what, all, before);
	}
	if (asked == 0) {
		say("neither blkback nor netback runs here for that; start it, and it is the new "
		    "one");
		return -1;
	}
	return ret;
}
