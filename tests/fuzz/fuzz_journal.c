// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any bytes as what an earlier worker, perhaps captured, left as its journal.
 * If journal_attach() takes it, each request is there once, with a number of the queue, and as many
 * as the ring has room for; done one after the other they leave an empty journal, at whatever point
 * another worker takes up what is left.
 */
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "blkback/journal.h"
#include "blkback/request.h"
#include "tests/fuzz/fuzz.h"

enum {
	SLOTS = 32
};

struct input {
	uint32_t rsp_prod;
	uint8_t as_it_is; /* the header, too */
	uint8_t cut;	  /* after so many answers the next worker comes */
	uint8_t pad[58];
	uint8_t journal[sizeof(struct journal_file) + SLOTS * sizeof(struct journal_slot)];
};

static _Alignas(
	64) char memory[sizeof(struct journal_file) + (SLOTS + 1) * sizeof(struct journal_slot)];

/* What was never attached to has a header all the same. */
static void header_make(void)
{
	static _Alignas(64) char other[sizeof(memory)];
	struct journal journal;

	journal_begin(&journal, other, SLOTS, ((struct journal_file *)memory)->req_cons);
	memcpy(memory, other, sizeof(struct journal_file));
}

/* Whatever it is, the parser stands between it and the disk. */
static void parse(const struct slot *slot)
{
	static struct slot_segment segments[SLOT_SEGMENTS];
	struct request request = {.buffer = {.segments = segments}};
	struct disk_spec disk = {.sectors = 1 << 20, .discard = 1};
	const char *why;

	request_parse(&request, slot, &disk, &why);
	check(request.segment_count <= SLOT_INDIRECT_SEGMENTS);
}

/* Does all that is left, until `answers` were given.  How many were. */
static uint32_t work(struct journal *journal, uint32_t req_cons, uint32_t rsp_prod,
		     uint32_t answers)
{
	uint32_t age = UINT32_MAX, n = 0;
	bool seen[SLOTS] = {0};
	struct slot slot;
	int number;

	while (n < answers && (number = journal_next(journal, req_cons, &age)) >= 0) {
		check(number < SLOTS && !seen[number] && journal_has(journal, (uint32_t)number));
		seen[number] = true;
		journal_retry(journal, (uint32_t)number, true, &slot);
		parse(&slot);
		journal_answer(journal, (uint32_t)number, rsp_prod + n++);
	}
	check(n <= SLOTS);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {0};
	struct journal journal;
	uint32_t req_cons, again, left, done;

	memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
	memcpy(memory, in.journal, sizeof(in.journal));
	if (!(in.as_it_is & 1))
		header_make();
	if (journal_attach(&journal, memory, SLOTS, in.rsp_prod, &req_cons) < 0)
		return 0;
	left = req_cons - in.rsp_prod;
	check(left <= SLOTS);
	done = work(&journal, req_cons, in.rsp_prod, in.cut % (SLOTS + 1));
	check(done <= left);
	/* It died after the push, before it freed what it had answered. */
	check(journal_attach(&journal, memory, SLOTS, in.rsp_prod + done, &again) == 0);
	check(again == req_cons);
	check(work(&journal, req_cons, in.rsp_prod + done, UINT32_MAX) == left - done);
	check(journal_attach(&journal, memory, SLOTS, req_cons, &again) == 0 && again == req_cons);
	return 0;
}
