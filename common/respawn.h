/* SPDX-License-Identifier: MIT */
/* How soon a worker that died gets a successor.  See respawn.c. */
#ifndef COMMON_RESPAWN_H
#define COMMON_RESPAWN_H

#include <stdint.h>

struct respawn {
	uint32_t deaths; /* since the last minute without one */
	uint64_t last_ns;
};

enum {
	RESPAWN_HEALTHY_S = 60,
	RESPAWN_MS = 100, /* after the second death; then twice as long each time */
	RESPAWN_MS_MAX = 3200,
};

/*
 * It died at `now_ns`: after how many milliseconds to start the next one, or -1 if it has died
 * `limit` times.  A limit of 0: each time at once.  Pure.
 */
int respawn_died(struct respawn *respawn, uint64_t now_ns, uint32_t limit);

#endif
