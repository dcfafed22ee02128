// SPDX-License-Identifier: MIT
/*
 * halfback upgrade: asks blkback to let its newly installed program take over, for one guest or for
 * all, by nodes of its own domain (common/upgrade.c); and tells whether all disks that worked go
 * on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/instance.h"
#include "halfback/print.h"
#include "halfback/wish.h"

/* Of a daemon that answers with a number: so many disks go on. */
static int upgrade_judge(const char *answer, const char *whose, size_t before)
{
	uint64_t disks;

	if (number_parse(answer, UINT32_MAX, &disks) < 0) {
		say("%s", answer);
		return -1;
	}
	if (disks < before) {
		say("only %" PRIu64 " of %zu disks %s go on; halfback list says why", disks, before,
		    whose);
		return -1;
	}
	printf("%" PRIu64 " disk%s %s go%s on with the new program\n", disks, disks == 1 ? "" : "s",
	       whose, disks == 1 ? "es" : "");
	return 0;
}

int upgrade_vbds(const struct vbds *vbds, bool all)
{
	char what[16] = "all", *answer;
	struct wish wish;
	size_t before = 0;
	int ret = -1;

	if (instance_find("blkback") <= 0) {
		say("no blkback runs here; start it, and it is the new one");
		return -1;
	}
	for (size_t i = 0; i < vbds->count; i++)
		before += vbds->vbd[i].counted;
	if (!all && vbds->count > 0)
		snprintf(what, sizeof(what), "%u", vbds->vbd[0].domid);
	if (wish_open(&wish, "data/halfback/blkback/upgrade") < 0)
		return -1;
	answer = wish_make(&wish, what);
	if (answer)
		ret = upgrade_judge(answer, all ? "of all guests" : "of this guest", before);
	free(answer);
	wish_close(&wish);
	return ret;
}
