// SPDX-License-Identifier: MIT
/*
 * A worker that was killed once is replaced at once, for its guest waits.  One that dies again and
 * again has a reason that waiting may cure and haste will not, so each further start comes later,
 * until a minute has passed without a death; and at some point its guest is told the truth.
 */
#include "common/respawn.h"

int respawn_died(struct respawn *respawn, uint64_t now_ns, uint32_t limit)
{
	uint32_t doublings;

	if (now_ns - respawn->last_ns > (uint64_t)RESPAWN_HEALTHY_S * 1000000000u)
		respawn->deaths = 0;
	respawn->last_ns = now_ns;
	respawn->deaths++;
	if (limit == 0 || (respawn->deaths == 1 && limit > 1))
		return 0;
	if (respawn->deaths >= limit)
		return -1;
	doublings = respawn->deaths - 2;
	return doublings < 5 ? RESPAWN_MS << doublings : RESPAWN_MS_MAX;
}
