// SPDX-License-Identifier: MIT
/*
 * The token buckets: the rate is kept to the token over any time, a burst is bounded, and nothing
 * wraps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <string.h>
#include <cmocka.h>

#include "common/limit.h"

#define SECOND 1000000000ull
#define START  (123 * SECOND + 7)

static struct limit limit;

static void make(uint64_t iops, uint64_t iops_burst, uint64_t bps, uint64_t bps_burst)
{
	struct limit_spec spec = {
		.unit = {[LIMIT_IOPS] = {iops, iops_burst}, [LIMIT_BPS] = {bps, bps_burst}}};

	limit_init(&limit, &spec, START);
}

static void take(uint64_t bytes)
{
	limit_take(&limit, LIMIT_IOPS, 1);
	limit_take(&limit, LIMIT_BPS, bytes);
}

/* Takes all that is to be had at START + ns in requests of `bytes`; how many. */
static uint64_t take_all(uint64_t ns, uint64_t bytes)
{
	struct limit_look look;
	uint64_t n = 0;

	limit_look(&limit, START + ns, &look);
	for (; limit_open(&limit, &look) && n < 1000000; n++)
		take(bytes);
	return n;
}

static void no_limit_lets_all_pass(void **state)
{
	(void)state;
	make(0, 0, 0, 0);
	assert_false(limit_any(&limit));
	assert_int_equal(take_all(0, 1 << 20), 1000000);
}

static void a_burst_is_bounded(void **state)
{
	(void)state;
	make(1000, 250, 0, 0);
	assert_true(limit_any(&limit));
	assert_int_equal(take_all(0, 4096), 250);
	assert_int_equal(take_all(1, 4096), 0);
	/* However long the rest. */
	assert_int_equal(take_all(3600 * SECOND, 4096), 250);
}

static void the_default_burst_is_a_tenth_of_a_second(void **state)
{
	(void)state;
	make(1000, 0, 0, 0);
	assert_int_equal(take_all(0, 4096), 100);
}

static void a_burst_is_at_least_ten_milliseconds(void **state)
{
	(void)state;
	make(10000, 1, 0, 0);
	assert_int_equal(take_all(0, 4096), 100);
	make(1, 0, 0, 0);
	assert_int_equal(take_all(0, 4096), 1);
}

/* Rates that no nanosecond divides, looked at in steps that nothing divides either. */
static void the_rate_is_kept_to_the_token(void **state)
{
	static const uint64_t rates[] = {1, 3, 7, 999, 1000, 33333, 1000003};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint64_t n = 0, ns;

		make(rates[i], 0, 0, 0);
		n = take_all(0, 4096);
		assert_int_equal(n, limit.unit[LIMIT_IOPS].burst);
		for (ns = 777777; ns < 100 * SECOND; ns += 777777)
			n += take_all(ns, 4096);
		ns -= 777777;
		assert_int_equal(n - limit.unit[LIMIT_IOPS].burst,
				 (uint64_t)((unsigned __int128)ns * rates[i] / SECOND));
	}
}

static void a_large_request_is_paid_for_afterwards(void **state)
{
	uint64_t n = 0;

	(void)state;
	make(0, 0, 1000000, 10000);
	assert_int_equal(take_all(0, 1000000), 1);
	assert_int_equal(take_all(989999999, 1000000), 0);
	assert_int_equal(take_all(991000000, 1000000), 1);
	for (uint64_t ns = SECOND; ns <= 100 * SECOND; ns += 1000000)
		n += take_all(ns, 1000000);
	assert_in_range(n, 98, 99);
}

static void both_units_hold(void **state)
{
	(void)state;
	make(100, 100, 40960, 40960);
	assert_int_equal(take_all(0, 4096), 10); /* the bytes end it */
	make(100, 5, 40960, 40960);
	assert_int_equal(take_all(0, 4096), 5); /* the requests do */
}

static void what_was_taken_too_much_is_given_back(void **state)
{
	(void)state;
	make(0, 0, 1000, 1000);
	take(5000);
	assert_int_equal(take_all(0, 100), 0);
	limit_take(&limit, LIMIT_BPS, -(uint64_t)4500);
	assert_int_equal(take_all(0, 100), 5);
}

static void a_flush_takes_no_bytes(void **state)
{
	(void)state;
	make(0, 0, 1000, 1000);
	assert_int_equal(take_all(0, 0), 1000000);
}

static void it_says_when_to_come_back(void **state)
{
	struct limit_look look;
	uint64_t ns = 0;

	(void)state;
	make(300, 3, 0, 0);
	take_all(0, 4096);
	for (int i = 0; i < 1000; i++) {
		uint64_t wait;

		limit_look(&limit, START + ns, &look);
		wait = limit_wait_ns(&limit, &look);
		assert_in_range(wait, 1, SECOND / 300 + 1);
		assert_int_equal(take_all(ns + wait, 4096), 1);
		ns += wait;
	}
	assert_in_range(ns, 1000 * SECOND / 300, 1001 * SECOND / 300 + 1000);
	make(300, 3, 0, 0);
	limit_look(&limit, START, &look);
	assert_int_equal(limit_wait_ns(&limit, &look), 0);
}

static void nothing_wraps_in_a_hundred_years(void **state)
{
	const uint64_t day = 24 * 3600 * SECOND, years = 36500;

	(void)state;
	make(UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX);
	assert_int_equal(limit.unit[LIMIT_BPS].rate, LIMIT_RATE_MAX);
	assert_int_equal(limit.unit[LIMIT_BPS].burst, LIMIT_BURST_MAX);
	for (uint64_t i = 0; i < years; i++) {
		struct limit_look look;

		limit_look(&limit, START + i * day, &look);
		assert_true(limit_open(&limit, &look));
		assert_int_equal(limit_wait_ns(&limit, &look), 0);
		take(LIMIT_BURST_MAX + (1 << 20));
		assert_false(limit_open(&limit, &look));
		assert_in_range(limit_wait_ns(&limit, &look), 1, SECOND);
	}
}

/* A queue that looked earlier than another sees less, never more. */
static void a_clock_that_is_behind_gives_nothing(void **state)
{
	(void)state;
	make(1000, 10, 0, 0);
	assert_int_equal(take_all(SECOND, 1), 10);
	assert_int_equal(take_all(SECOND / 2, 1), 0);
	assert_int_equal(take_all(0, 1), 0);
	assert_int_equal(take_all(SECOND + 5000000, 1), 5);
}

static void *queue(void *taken)
{
	uint64_t *n = taken;

	for (uint64_t ns = 0; ns <= 10 * SECOND; ns += 100000) {
		struct limit_look look;

		limit_look(&limit, START + ns, &look);
		for (; limit_open(&limit, &look); ++*n)
			take(1);
	}
	return NULL;
}

static void several_queues_get_one_rate_together(void **state)
{
	uint64_t n[4] = {0}, all = 0;
	pthread_t thread[4];

	(void)state;
	make(100000, 1000, 0, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, queue, &n[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		all += n[i];
	}
	/* Each may take one request at the same moment as the others. */
	assert_in_range(all, 1001000, 1001000 + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_limit_lets_all_pass),
		cmocka_unit_test(a_burst_is_bounded),
		cmocka_unit_test(the_default_burst_is_a_tenth_of_a_second),
		cmocka_unit_test(a_burst_is_at_least_ten_milliseconds),
		cmocka_unit_test(the_rate_is_kept_to_the_token),
		cmocka_unit_test(a_large_request_is_paid_for_afterwards),
		cmocka_unit_test(both_units_hold),
		cmocka_unit_test(what_was_taken_too_much_is_given_back),
		cmocka_unit_test(a_flush_takes_no_bytes),
		cmocka_unit_test(it_says_when_to_come_back),
		cmocka_unit_test(nothing_wraps_in_a_hundred_years),
		cmocka_unit_test(a_clock_that_is_behind_gives_nothing),
		cmocka_unit_test(several_queues_get_one_rate_together),
	};

	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
