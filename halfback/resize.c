// SPDX-License-Identifier: MIT
/*
 * halfback resize: asks blkback to make an image larger, by nodes of the disk's backend directory
 * (blkback/grow.c).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "halfback/print.h"
#include "halfback/wish.h"

int resize_vbd(const struct vbd *vbd, uint64_t bytes)
{
	char node[STORE_PATH_MAX], what[32], *answer;
	struct wish wish;
	int ret = -1;

	snprintf(node, sizeof(node), "%s/resize", vbd->path);
	if (wish_open(&wish, node) < 0)
		return -1;
	snprintf(wish.guard, sizeof(wish.guard), "%s/state", vbd->path);
	snprintf(what, sizeof(what), "%" PRIu64, bytes);
	answer = wish_make(&wish, what);
	if (answer && *answer) {
		say("%s", answer);
	} else if (answer) {
		printf("%s of guest %s has %" PRIu64 " bytes now\n", vbd->vdev, vbd->guest, bytes);
		ret = 0;
	}
	free(answer);
	wish_close(&wish);
	return ret;
}
