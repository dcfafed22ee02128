// SPDX-License-Identifier: MIT
/*
 * The journal makes a worker's death harmless: whoever comes next finds in it each request that the
 * guest has not seen an answer to, and does it again.  That is safe for reads, writes, flushes and
 * discards alike, since a guest makes no assumption on a request before it is answered.
 *
 * A slot goes FREE -> TAKEN -> ANSWERED -> FREE, and each step is one store, made after what it
 * stands for and before what depends on it:
 *
 *	the slot's copy, TAKEN, req_cons		a crash before TAKEN: the ring still has it
 *	the response in the ring, ANSWERED		before ANSWERED: it is done again
 *	rsp_prod in the ring, FREE			before FREE: rsp_prod tells that it was seen
 *
 * The stores are seen in this order by the next process because x86 does not reorder stores, and
 * the compiler is kept from it by the release order.  The memory may have been scribbled on by a
 * worker that its guest had captured: nothing in it is used that request_parse() or
 * journal_attach() has not checked.
 */
#include "blkback/journal.h"

#include <errno.h>
#include <string.h>

#include "common/crash.h"

enum {
	JOURNAL_MAGIC = 0x314a4248, /* "HBJ1" */
};

static void store32(uint32_t *p, uint32_t value)
{
	crash_point();
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

size_t journal_bytes(uint32_t slots)
{
	size_t bytes = sizeof(struct journal_file) + slots * sizeof(struct journal_slot);

	return (bytes + 63) & ~(size_t)63; /* queues share no cache line */
}

void journal_begin(struct journal *journal, void *memory, uint32_t slots, uint32_t req_cons)
{
	journal->file = memory;
	journal->slots = slots;
	memset(memory, 0, journal_bytes(slots));
	journal->file->slots = slots;
	journal->file->req_cons = req_cons;
	store32(&journal->file->magic, JOURNAL_MAGIC);
}

/* The guest has seen the response at `index`: it lies before rsp_prod. */
static bool index_is_before(uint32_t index, uint32_t limit)
{
	return (int32_t)(limit - index) > 0;
}

/* Frees what was seen; counts what is left, and finds a take that req_cons does not tell of yet. */
static uint32_t journal_settle(struct journal *journal, uint32_t rsp_prod, uint32_t *req_cons)
{
	uint32_t left = 0, next = *req_cons;

	for (uint32_t i = 0; i < journal->slots; i++) {
		struct journal_slot *slot = &journal->file->slot[i];

		if (slot->state == JOURNAL_ANSWERED && index_is_before(slot->answered, rsp_prod))
			store32(&slot->state, JOURNAL_FREE);
		if (slot->state == JOURNAL_FREE)
			continue;
		left++;
		if (slot->taken == next)
			*req_cons = next + 1;
	}
	return left;
}

int journal_next(const struct journal *journal, uint32_t req_cons, uint32_t *age)
{
	uint32_t best = 0;
	int number = -1;

	/* Not by its place between rsp_prod and req_cons: one that takes long is far behind. */
	for (uint32_t i = 0; i < journal->slots; i++) {
		const struct journal_slot *slot = &journal->file->slot[i];
		uint32_t its = req_cons - slot->taken;

		if (slot->state == JOURNAL_FREE || its >= *age || its <= best)
			continue;
		best = its;
		number = (int)i;
	}
	*age = best;
	return number;
}

int journal_attach(struct journal *journal, void *memory, uint32_t slots, uint32_t rsp_prod,
		   uint32_t *req_cons)
{
	uint32_t left, age = UINT32_MAX;

	journal->file = memory;
	journal->slots = slots;
	if (journal->file->magic != JOURNAL_MAGIC || journal->file->slots != slots)
		return -EINVAL;
	*req_cons = journal->file->req_cons;
	left = journal_settle(journal, rsp_prod, req_cons);
	/* All that was taken and not seen answered is here, or the two are not of one ring. */
	if (left > slots || *req_cons - rsp_prod != left)
		return -EINVAL;
	/* Each was taken once: as many different indices as there are requests. */
	for (uint32_t i = 0; i < left; i++)
		if (journal_next(journal, *req_cons, &age) < 0)
			return -EINVAL;
	store32(&journal->file->req_cons, *req_cons);
	/* Another response will stand where theirs did: pushing that must not free them. */
	for (uint32_t i = 0; i < slots; i++)
		if (journal->file->slot[i].state != JOURNAL_FREE)
			store32(&journal->file->slot[i].state, JOURNAL_TAKEN);
	return 0;
}

bool journal_has(const struct journal *journal, uint32_t number)
{
	return journal->file && journal->file->slot[number].state != JOURNAL_FREE;
}

void journal_take(struct journal *journal, uint32_t number, uint32_t index, const struct slot *slot)
{
	uint32_t segments = slot->nr_segments < SLOT_SEGMENTS ? slot->nr_segments : SLOT_SEGMENTS;
	const size_t head = offsetof(struct slot, segments), one = sizeof(slot->segments[0]);
	struct journal_slot *j;

	if (!journal->file)
		return;
	j = &journal->file->slot[number];
	memcpy(&j->slot, slot, head + one); /* most are no longer, and the compiler knows it */
	if (segments > 1)
		memcpy(&j->slot.segments[1], &slot->segments[1], (segments - 1) * one);
	j->taken = index;
	j->tries = 1;
	store32(&j->state, JOURNAL_TAKEN);
	store32(&journal->file->req_cons, index + 1);
}

uint32_t journal_retry(struct journal *journal, uint32_t number, bool suspect, struct slot *slot)
{
	struct journal_slot *j = &journal->file->slot[number];
	uint32_t tries = j->tries;

	*slot = j->slot;
	if (suspect)
		store32(&j->tries, tries + 1);
	return tries;
}

void journal_acquit(struct journal *journal, uint32_t number)
{
	struct journal_slot *j = &journal->file->slot[number];

	store32(&j->tries, j->tries - 1);
}

void journal_answer(struct journal *journal, uint32_t number, uint32_t index)
{
	if (!journal->file)
		return;
	journal->file->slot[number].answered = index;
	store32(&journal->file->slot[number].state, JOURNAL_ANSWERED);
}

void journal_retire(struct journal *journal, uint32_t number)
{
	if (journal->file)
		store32(&journal->file->slot[number].state, JOURNAL_FREE);
}
