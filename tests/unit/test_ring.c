// SPDX-License-Identifier: MIT
/*
 * Answers of a ring outlive who gave them: a worker dies before it committed to a batch, after it
 * has, or in the middle of showing it.  The guest's page and grants are the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/ring.h"

enum {
	SLOT = 12,
	BATCH = 5,
	REQUEST = 0x11111111,
};

/* xen/io/ring.h, "struct __name##_sring" */
static struct {
	uint32_t req_prod, req_event, rsp_prod, rsp_event;
	uint8_t pad[48];
	uint32_t slots[256][SLOT / 4];
} page;
static struct ring_answers answers;
static struct ring ring;

/* libxengnttab's */
void *xengnttab_map_domain_grant_refs(xengnttab_handle *xgt, uint32_t count, uint32_t domid,
				      uint32_t *refs, int prot)
{
	(void)xgt;
	(void)count;
	(void)domid;
	(void)refs;
	(void)prot;
	return &page;
}

static void attach(bool resume)
{
	const uint32_t ref = 8;

	memset(&ring, 0, sizeof(ring));
	assert_int_equal(ring_map(&ring, NULL, 1, &ref, 0, SLOT, resume, &answers), 0);
}

/* A worker that has taken a batch, and has its answers. */
static int setup(void **state)
{
	(void)state;
	memset(&page, 0, sizeof(page));
	memset(&answers, 0, sizeof(answers));
	memset(page.slots, 0x11, sizeof(page.slots));
	page.req_prod = BATCH + 2;
	attach(false);
	assert_int_equal(ring_pending(&ring), BATCH + 2);
	ring.req_cons += BATCH;
	for (uint32_t i = 0; i < BATCH; i++) {
		const uint32_t response = 100 + i;

		ring_respond(&ring, &response, 1);
	}
	return 0;
}

static void assert_answered(void)
{
	assert_int_equal(page.rsp_prod, BATCH);
	for (uint32_t i = 0; i < BATCH; i++) {
		assert_int_equal(page.slots[i][0], 100 + i);
		assert_int_equal(page.slots[i][1], 0);
		assert_int_equal(page.slots[i][2], 0);
	}
	assert_int_equal(page.slots[BATCH][0], REQUEST);
	assert_int_equal(ring.req_cons, BATCH);
	assert_int_equal(ring_pending(&ring), 2);
}

static void a_push_shows_them(void **state)
{
	(void)state;
	assert_true(ring_push(&ring) || page.rsp_event == 0);
	assert_answered();
}

/* The next worker has to find the requests. */
static void before_the_push_no_slot_is_touched(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < BATCH; i++)
		assert_int_equal(page.slots[i][0], REQUEST);
	attach(true);
	assert_int_equal(page.rsp_prod, 0);
	assert_int_equal(ring.req_cons, 0);
	assert_int_equal(ring_pending(&ring), BATCH + 2);
}

static void who_died_amid_showing_is_finished(void **state)
{
	(void)state;
	for (uint32_t shown = 0; shown <= BATCH; shown++) {
		setup(state);
		ring_push(&ring);
		page.rsp_prod = 0;
		for (uint32_t i = shown; i < BATCH; i++)
			memset(page.slots[i], 0x11, SLOT);
		attach(true);
		assert_answered();
	}
}

static void what_was_shown_is_not_shown_again(void **state)
{
	(void)state;
	ring_push(&ring);
	memset(page.slots, 0x22, sizeof(page.slots)); /* requests of the next lap */
	attach(true);
	assert_int_equal(page.rsp_prod, BATCH);
	assert_int_equal(page.slots[0][0], 0x22222222);
}

/* A journal of a captured worker, or a rsp_prod of the guest's. */
static void more_than_the_ring_has_is_none(void **state)
{
	(void)state;
	answers.until = 257;
	attach(true);
	assert_int_equal(page.rsp_prod, 0);
	page.rsp_prod = 300;
	attach(true);
	assert_int_equal(page.rsp_prod, 300);
	assert_int_equal(page.slots[300 & 255][0], REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_push_shows_them, setup),
		cmocka_unit_test_setup(before_the_push_no_slot_is_touched, setup),
		cmocka_unit_test_setup(who_died_amid_showing_is_finished, setup),
		cmocka_unit_test_setup(what_was_shown_is_not_shown_again, setup),
		cmocka_unit_test_setup(more_than_the_ring_has_is_none, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
