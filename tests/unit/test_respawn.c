// SPDX-License-Identifier: MIT
/* A worker that dies once is replaced at once, one that dies again and again ever later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/respawn.h"

#define SECOND 1000000000ull

static void a_death_now_and_then_costs_no_time(void **state)
{
	struct respawn r = {0};
	uint64_t now = 100 * SECOND;

	(void)state;
	for (int i = 0; i < 100; i++, now += 61 * SECOND)
		assert_int_equal(respawn_died(&r, now, 8), 0);
}

static void many_deaths_are_ever_further_apart(void **state)
{
	static const int want[] = {0, 100, 200, 400, 800, 1600, 3200, 3200, 3200, -1, -1};
	struct respawn r = {0};
	uint64_t now = 100 * SECOND;

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++, now += SECOND)
		assert_int_equal(respawn_died(&r, now, 10), want[i]);
	assert_int_equal(respawn_died(&r, now + 61 * SECOND, 10), 0);
}

static void limits_are_kept(void **state)
{
	struct respawn r = {0};

	(void)state;
	assert_int_equal(respawn_died(&r, 1, 1), -1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(respawn_died(&r, 1, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_death_now_and_then_costs_no_time),
		cmocka_unit_test(many_deaths_are_ever_further_apart),
		cmocka_unit_test(limits_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
