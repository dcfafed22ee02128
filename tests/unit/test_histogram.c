// SPDX-License-Identifier: MIT
/*
 * The latency histogram: counts are exact, percentiles are right within a step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "loopback/histogram.h"

static struct histogram h;

static int setup(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	return 0;
}

static void an_empty_one_says_zero(void **state)
{
	(void)state;
	assert_int_equal(histogram_percentile(&h, 50), 0);
	assert_true(histogram_mean(&h) == 0.0);
}

static void small_values_are_exact(void **state)
{
	(void)state;
	for (uint64_t v = 1; v <= 50; v++)
		histogram_add(&h, v);
	assert_int_equal(histogram_percentile(&h, 50), 25);
	assert_int_equal(histogram_percentile(&h, 100), 50);
	assert_int_equal(h.min, 1);
	assert_int_equal(h.max, 50);
	assert_true(histogram_mean(&h) == 25.5);
}

static void percentiles_are_right_within_a_step(void **state)
{
	static const double percents[] = {1, 10, 50, 90, 99, 99.9, 100};

	(void)state;
	for (uint64_t v = 1; v <= 1000000; v++)
		histogram_add(&h, v);
	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		double want = 1000000 * percents[i] / 100;
		double got = (double)histogram_percentile(&h, percents[i]);

		assert_true(got >= want - 1 && got <= want * 1.017);
	}
}

static void one_value_is_every_percentile(void **state)
{
	(void)state;
	histogram_add(&h, 123457);
	assert_int_equal(histogram_percentile(&h, 0), 123457);
	assert_int_equal(histogram_percentile(&h, 50), 123457);
	assert_int_equal(histogram_percentile(&h, 100), 123457);
}

static void huge_values_are_counted(void **state)
{
	(void)state;
	histogram_add(&h, UINT64_MAX);
	histogram_add(&h, 1ULL << 39);
	histogram_add(&h, 1ULL << 40);
	assert_int_equal(h.count, 3);
	assert_true(histogram_percentile(&h, 100) >= (1ULL << 40) - 1);
}

static void merging_adds(void **state)
{
	static struct histogram a, b;

	(void)state;
	for (uint64_t v = 1; v <= 1000; v++)
		histogram_add(v % 2 ? &a : &b, v * 10);
	histogram_merge(&h, &a);
	histogram_merge(&h, &b);
	assert_int_equal(h.count, 1000);
	assert_int_equal(h.min, 10);
	assert_int_equal(h.max, 10000);
	assert_int_equal(h.sum, a.sum + b.sum);
	assert_in_range(histogram_percentile(&h, 50), 5000, 5085);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_one_says_zero, setup),
		cmocka_unit_test_setup(small_values_are_exact, setup),
		cmocka_unit_test_setup(percentiles_are_right_within_a_step, setup),
		cmocka_unit_test_setup(one_value_is_every_percentile, setup),
		cmocka_unit_test_setup(huge_values_are_counted, setup),
		cmocka_unit_test_setup(merging_adds, setup),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
