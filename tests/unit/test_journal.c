// SPDX-License-Identifier: MIT
/*
 * The journal of a queue, by itself: whatever store it is cut off after, the next one finds each
 * request that was taken and not seen answered, once, in order, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "blkback/journal.h"

#define SLOTS 32u

static char memory[64 * 1024] __attribute__((aligned(64)));
static char copy[sizeof(memory)] __attribute__((aligned(64)));
static struct journal journal;

/* A ring and its worker in small: what is taken, what is answered, what was pushed. */
static uint32_t req_cons, rsp_prod_pvt, rsp_prod;
static uint32_t free_numbers[SLOTS], nr_free;

static void begin(uint32_t index)
{
	assert_true(journal_bytes(SLOTS) <= sizeof(memory));
	journal_begin(&journal, memory, SLOTS, index);
	req_cons = rsp_prod_pvt = rsp_prod = index;
	for (nr_free = 0; nr_free < SLOTS; nr_free++)
		free_numbers[nr_free] = nr_free;
}

static int setup(void **state)
{
	(void)state;
	begin(0);
	return 0;
}

static uint32_t take(void)
{
	struct slot slot = {.operation = 1, .nr_segments = 1, .id = req_cons * 3};
	uint32_t number = free_numbers[--nr_free];

	journal_take(&journal, number, req_cons++, &slot);
	return number;
}

static void answer(uint32_t number)
{
	journal_answer(&journal, number, rsp_prod_pvt++);
}

static void retire(uint32_t number)
{
	journal_retire(&journal, number);
	free_numbers[nr_free++] = number;
}

/* The next worker's view: how many are to be done again; their ids in `ids`, oldest first. */
static int attach(uint32_t pushed, uint64_t *ids)
{
	struct journal next;
	uint32_t cons, age = UINT32_MAX;
	int n = 0, number;

	memcpy(copy, memory, sizeof(memory));
	if (journal_attach(&next, copy, SLOTS, pushed, &cons) < 0)
		return -1;
	assert_int_equal(cons, req_cons);
	while ((number = journal_next(&next, cons, &age)) >= 0)
		ids[n++] = next.file->slot[number].slot.id;
	return n;
}

static void an_idle_ring_leaves_nothing(void **state)
{
	uint64_t ids[SLOTS];
	uint32_t number;

	(void)state;
	assert_int_equal(attach(0, ids), 0);
	number = take();
	answer(number);
	rsp_prod = rsp_prod_pvt;
	retire(number);
	assert_int_equal(attach(rsp_prod, ids), 0);
}

static void what_was_taken_is_done_again_in_order(void **state)
{
	uint64_t ids[SLOTS];

	(void)state;
	for (uint32_t i = 0; i < SLOTS; i++)
		take();
	assert_int_equal(attach(0, ids), SLOTS);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_true(ids[i] == i * 3);
}

static void an_answer_that_was_not_pushed_is_none(void **state)
{
	uint64_t ids[SLOTS];

	(void)state;
	answer(take());
	assert_int_equal(attach(0, ids), 1);
	assert_int_equal(attach(1, ids), 0); /* pushed, but not retired */
}

static void one_that_takes_long_is_found_far_behind(void **state)
{
	uint64_t ids[SLOTS];
	uint32_t number;

	(void)state;
	take();
	for (uint32_t i = 0; i < 1000; i++) {
		number = take();
		answer(number);
		rsp_prod = rsp_prod_pvt;
		retire(number);
	}
	take();
	assert_int_equal(attach(rsp_prod, ids), 2);
	assert_true(ids[0] == 0 && ids[1] == 1001 * 3);
}

static void a_take_that_req_cons_does_not_tell_of_counts(void **state)
{
	uint64_t ids[SLOTS];

	(void)state;
	take();
	take();
	journal.file->req_cons = 1; /* as if cut off before that store */
	assert_int_equal(attach(0, ids), 2);
}

static void a_copy_that_was_not_marked_does_not_count(void **state)
{
	uint64_t ids[SLOTS];
	uint32_t number;

	(void)state;
	take();
	number = take();
	journal.file->slot[number].state = JOURNAL_FREE;
	journal.file->req_cons = --req_cons;
	assert_int_equal(attach(0, ids), 1);
}

/* Indices wrap; a guest may answer in any order, for a long time. */
static void any_history_is_found_again(void **state)
{
	uint32_t under_way[SLOTS], answered[SLOTS], n = 0, a = 0, seed = 1;
	uint64_t ids[SLOTS];

	(void)state;
	begin(UINT32_MAX - 5000);
	for (int i = 0; i < 200000; i++) {
		seed = seed * 1664525 + 1013904223;
		switch (seed >> 30) {
		case 0:
		case 1:
			if (nr_free > 0)
				under_way[n++] = take();
			break;
		case 2:
			if (n > 0) {
				uint32_t at = (seed >> 8) % n;

				answer(under_way[at]);
				answered[a++] = under_way[at];
				under_way[at] = under_way[--n];
			}
			break;
		default:
			rsp_prod = rsp_prod_pvt;
			if (i % 50 == 0)
				assert_int_equal(attach(rsp_prod, ids), n);
			while (a > 0)
				retire(answered[--a]);
		}
		if (i % 50 == 0)
			assert_int_equal(attach(rsp_prod, ids), n + a);
	}
}

/* What is not of this ring, or was scribbled on: refused, or some requests, but never more. */
static void nonsense_is_refused(void **state)
{
	uint64_t ids[SLOTS];
	uint32_t refused = 0;

	(void)state;
	take();
	take();
	assert_int_equal(attach(0, ids), 2);
	assert_int_equal(attach(5, ids), -1);
	assert_int_equal(attach((uint32_t)-1, ids), -1);
	journal.file->slots = 64;
	assert_int_equal(attach(0, ids), -1);
	journal.file->slots = SLOTS;
	journal.file->magic++;
	assert_int_equal(attach(0, ids), -1);
	journal.file->magic--;
	for (int i = 0; i < 20000; i++) {
		struct journal next;
		uint32_t cons, age = UINT32_MAX, n = 0;

		memcpy(copy, memory, sizeof(memory));
		for (int k = rand() % 8; k >= 0; k--)
			copy[8 + (size_t)rand() % (journal_bytes(SLOTS) - 8)] = (char)rand();
		if (journal_attach(&next, copy, SLOTS, 0, &cons) < 0) {
			refused++;
			continue;
		}
		while (journal_next(&next, cons, &age) >= 0)
			n++;
		assert_in_range(n, 0, SLOTS);
		assert_int_equal(cons, n);
	}
	assert_in_range(refused, 100, 19900); /* the test tests both */
}

static void tries_are_counted_if_the_worker_is_to_blame(void **state)
{
	struct slot slot;
	uint32_t number;

	(void)state;
	number = take();
	assert_int_equal(journal_retry(&journal, number, false, &slot), 1);
	assert_int_equal(journal_retry(&journal, number, true, &slot), 1);
	assert_int_equal(journal_retry(&journal, number, true, &slot), 2);
	assert_int_equal(journal_retry(&journal, number, true, &slot), 3);
	assert_true(slot.id == 0 && slot.operation == 1);
	journal_acquit(&journal, number);
	assert_int_equal(journal_retry(&journal, number, false, &slot), 3);
}

/* A barrier may wait while others, replayed before it, are answered in its old place. */
static void an_old_answer_is_not_taken_for_a_new_one(void **state)
{
	struct journal next;
	uint32_t cons, first, number;

	(void)state;
	first = take();
	number = take();
	answer(number);
	assert_int_equal(journal_attach(&next, memory, SLOTS, 0, &cons), 0);
	journal_answer(&next, first, 0);
	assert_int_equal(journal_attach(&next, memory, SLOTS, 1, &cons), 0);
	assert_false(journal_has(&next, first));
	assert_true(journal_has(&next, number));
}

static void without_a_journal_nothing_is_kept(void **state)
{
	struct journal none = {0};
	struct slot slot = {0};

	(void)state;
	journal_take(&none, 0, 0, &slot);
	journal_answer(&none, 0, 0);
	journal_retire(&none, 0);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_idle_ring_leaves_nothing),
		TEST(what_was_taken_is_done_again_in_order),
		TEST(an_answer_that_was_not_pushed_is_none),
		TEST(one_that_takes_long_is_found_far_behind),
		TEST(a_take_that_req_cons_does_not_tell_of_counts),
		TEST(a_copy_that_was_not_marked_does_not_count),
		TEST(any_history_is_found_again),
		TEST(nonsense_is_refused),
		TEST(an_old_answer_is_not_taken_for_a_new_one),
		TEST(tries_are_counted_if_the_worker_is_to_blame),
		TEST(without_a_journal_nothing_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
