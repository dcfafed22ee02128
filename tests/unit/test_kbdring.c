// SPDX-License-Identifier: MIT
/* The ring of keys: full at 51, never over an event that waits, at the wrap of its indices, too. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pvfb/kbdring.h"
#include "pvfb/pointer.h"

static union {
	struct xenkbd_page page;
	uint32_t word[1024];
} shared;
static struct kbdring ring;

static int push(uint32_t code)
{
	union xenkbd_in_event event = key_event(code, 1);

	return kbdring_push(&ring, &event);
}

static void start_at(uint32_t index)
{
	memset(&shared, 0, sizeof(shared));
	shared.page.in_cons = shared.page.in_prod = index;
	kbdring_attach(&ring, guest_mark(&shared));
}

static uint32_t code_at(uint32_t index)
{
	return XENKBD_IN_RING_REF(&shared, index).key.keycode;
}

static void it_holds_fifty_one(void **state)
{
	(void)state;
	start_at(0);
	for (uint32_t i = 0; i < 51; i++)
		assert_int_equal(push(100 + i), 0);
	assert_int_equal(push(1), -EAGAIN);
	assert_int_equal(shared.page.in_prod, 51);
	for (uint32_t i = 0; i < 51; i++)
		assert_int_equal(code_at(i), 100 + i);
	shared.page.in_cons = 1;
	assert_int_equal(push(2), 0);
	assert_int_equal(code_at(51), 2);
	assert_int_equal(push(3), -EAGAIN);
}

/* 2^32 is 1 modulo 51: index 2^32 - 1 and index 0 are one slot. */
static void no_event_is_lost_at_the_wrap(void **state)
{
	(void)state;
	start_at(UINT32_MAX - 2);
	assert_int_equal(push(10), 0);
	assert_int_equal(push(11), 0);
	assert_int_equal(push(12), 0); /* index 2^32 - 1 */
	assert_int_equal(ring.prod, 0);
	assert_int_equal(push(13), -EAGAIN);
	assert_int_equal(code_at(UINT32_MAX), 12);
	shared.page.in_cons = 0;
	assert_int_equal(push(13), 0);
	assert_int_equal(code_at(0), 13);
	for (uint32_t i = 1; i < 51; i++)
		assert_int_equal(push(i), 0);
	assert_int_equal(push(14), -EAGAIN);
}

static void a_lying_consumer_gets_nothing(void **state)
{
	static const uint32_t lies[] = {1, 51, 1u << 31, UINT32_MAX - 51};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		start_at(0);
		shared.page.in_cons = lies[i];
		assert_int_equal(push(1), -EAGAIN);
		assert_int_equal(shared.page.in_prod, 0);
	}
}

static void what_the_guest_writes_as_ours_is_ignored(void **state)
{
	(void)state;
	start_at(7);
	shared.page.in_prod = 40;
	assert_int_equal(push(1), 0);
	assert_int_equal(shared.page.in_prod, 8);
	assert_int_equal(code_at(7), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_holds_fifty_one),
		cmocka_unit_test(no_event_is_lost_at_the_wrap),
		cmocka_unit_test(a_lying_consumer_gets_nothing),
		cmocka_unit_test(what_the_guest_writes_as_ours_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
