/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is to be blamed, among all queues of a worker.
 *
 * A worker died of what it did, and its successor is to find out of which request.  So it tries
 * what was under way one at a time, and not only in each queue: the requests of another queue, or
 * of another disk of the guest, would be under way each time that the guilty one ends a worker, and
 * be taken for guilty, too.
 *
 * One that takes longer than TRIAL_MS is slow, and no worker dies of that: its queue takes it off
 * the count, then lets the next one be tried beside it.  So a store that hangs holds up its own
 * disk only.
 */
#ifndef BLKBACK_TRIAL_H
#define BLKBACK_TRIAL_H

#include <stdbool.h>

enum {
	TRIAL_MS = 1000,
	TRIAL_LOOK_MS = 1, /* how often one that waits looks */
};

/*
 * True if no request was on trial; now one is, until trial_end().  The flag is the worker's, and
 * all of its threads use it; no other memory is ordered by it.
 */
static inline bool trial_begin(bool *trial)
{
	return !__atomic_exchange_n(trial, true, __ATOMIC_RELAXED);
}

static inline void trial_end(bool *trial)
{
	__atomic_store_n(trial, false, __ATOMIC_RELAXED);
}

#endif
