/* SPDX-License-Identifier: MIT */
/*
 * What a queue has taken from its ring and not yet answered, in memory that outlives the worker.
 * See journal.c.
 */
#ifndef BLKBACK_JOURNAL_H
#define BLKBACK_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blkback/abi.h"

enum journal_state {
	JOURNAL_FREE,
	JOURNAL_TAKEN,	  /* off the ring; perhaps done, but the guest does not know */
	JOURNAL_ANSWERED, /* its response is written; the guest knows if it was pushed */
};

/* One for each request of the queue, with the same number.  That of one segment is one cache line.
 */
struct journal_slot {
	uint32_t state;
	uint32_t taken;	   /* the request's index in the ring */
	uint32_t answered; /* the response's */
	uint32_t tries;	   /* workers that have had it, less those that were just killed */
	struct slot slot;  /* as it was taken */
} __attribute__((aligned(64)));

/* A queue's part of the file. */
struct journal_file {
	uint32_t magic;
	uint32_t slots;
	uint32_t req_cons; /* may be one behind */
	uint32_t pad;
	struct journal_slot slot[];
};

/* Owned by its queue; the memory is the vbd's mapping. */
struct journal {
	struct journal_file *file; /* NULL: there is no journal */
	uint32_t slots;
};

/* Bytes of one queue's part. */
size_t journal_bytes(uint32_t slots);

/* Makes the memory an empty journal of a ring that starts at `req_cons`. */
void journal_begin(struct journal *journal, void *memory, uint32_t slots, uint32_t req_cons);

/*
 * Takes up what an earlier worker has left.  Where its ring went on is derived from there and from
 * `rsp_prod`, the guest's view of the responses: *req_cons.  What was answered and seen is freed;
 * what is left is to be done again, in the order of journal_next().  0, or -EINVAL if it is no
 * journal of such a ring.  `memory` is not trusted.
 */
int journal_attach(struct journal *journal, void *memory, uint32_t slots, uint32_t rsp_prod,
		   uint32_t *req_cons);
/*
 * From the oldest to the youngest: the number of the one that was taken the longest before
 * `req_cons`, but fewer than *age requests; *age becomes that.  Start with UINT32_MAX; -1: no more.
 */
int journal_next(const struct journal *journal, uint32_t req_cons, uint32_t *age);

/* Request `number` waits to be done again. */
bool journal_has(const struct journal *journal, uint32_t number);

/* Request `number` was copied from the ring's entry `index`. */
void journal_take(struct journal *journal, uint32_t number, uint32_t index,
		  const struct slot *slot);
/*
 * It is started once more: gives its copy, and how many workers have tried it so far; this one
 * counts, too, if the last was ended by what it did (`suspect`).
 */
uint32_t journal_retry(struct journal *journal, uint32_t number, bool suspect, struct slot *slot);
/* This worker does not count: it has had the request for long, and lives. */
void journal_acquit(struct journal *journal, uint32_t number);
/* Its response was written to the ring's entry `index`. */
void journal_answer(struct journal *journal, uint32_t number, uint32_t index);
/* The guest was shown the response. */
void journal_retire(struct journal *journal, uint32_t number);

#endif
