// SPDX-License-Identifier: MIT
/*
 * The budget of log lines that a guest can cause: a burst, then a trickle, and nothing is lost from
 * the count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/log.h"

static void a_burst_passes_and_then_no_more(void **state)
{
	struct log_limit limit = {0};
	uint32_t held = 9;

	(void)state;
	for (int i = 0; i < LOG_BURST; i++) {
		assert_true(log_limit_pass(&limit, 1000000, &held));
		assert_int_equal(held, 0);
	}
	for (int i = 0; i < 1000; i++)
		assert_false(log_limit_pass(&limit, 1000000 + (uint64_t)i, &held));
}

static void the_next_line_counts_those_held_back(void **state)
{
	struct log_limit limit = {0};
	uint64_t now = 5000000;
	uint32_t held;

	(void)state;
	for (int i = 0; i < LOG_BURST + 100; i++)
		log_limit_pass(&limit, now, &held);
	now += LOG_REFILL_MS;
	assert_true(log_limit_pass(&limit, now, &held));
	assert_int_equal(held, 100);
	assert_false(log_limit_pass(&limit, now, &held));
}

static void quiet_time_gives_the_burst_back_and_not_more(void **state)
{
	struct log_limit limit = {0};
	uint64_t now = 5000000;
	uint32_t held;
	int passed = 0;

	(void)state;
	for (int i = 0; i < LOG_BURST; i++)
		log_limit_pass(&limit, now, &held);
	now += 1000ull * LOG_REFILL_MS;
	for (int i = 0; i < 100; i++)
		passed += log_limit_pass(&limit, now, &held);
	assert_int_equal(passed, LOG_BURST);
}

/* A guest that logs all day: lines per day are bounded by the refill. */
static void a_day_of_storm_is_a_few_lines(void **state)
{
	struct log_limit limit = {0};
	const uint64_t day = 24ull * 3600 * 1000, start = 77777;
	uint64_t passed = 0, told = 0, all = 0;
	uint32_t held;

	(void)state;
	for (uint64_t now = start; now < start + day; now += 37, all++)
		if (log_limit_pass(&limit, now, &held)) {
			passed++;
			told += held + 1;
		}
	assert_in_range(passed, day / LOG_REFILL_MS / 2, day / LOG_REFILL_MS + LOG_BURST);
	assert_true(told + limit.held == all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_passes_and_then_no_more),
		cmocka_unit_test(the_next_line_counts_those_held_back),
		cmocka_unit_test(quiet_time_gives_the_burst_back_and_not_more),
		cmocka_unit_test(a_day_of_storm_is_a_few_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
