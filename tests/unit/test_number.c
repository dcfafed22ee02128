// SPDX-License-Identifier: MIT
/*
 * Numbers from the store are decimal, whole and bounded, or they are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "common/store.h"

static void good_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max, value;
	} good[] = {
		{"0", 0, 0},
		{"0", 9, 0},
		{"4", 4, 4},
		{"007", 9, 7},
		{"65535", 65535, 65535},
		{"4294967295", UINT32_MAX, UINT32_MAX},
		{"18446744073709551615", UINT64_MAX, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t value = 99;

		if (number_parse(good[i].text, good[i].max, &value) || value != good[i].value)
			fail_msg("\"%s\" is not read right", good[i].text);
	}
}

static void anything_else_is_refused(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
	} bad[] = {
		{"", UINT64_MAX},
		{" ", UINT64_MAX},
		{"1 ", UINT64_MAX},
		{" 1", UINT64_MAX},
		{"+1", UINT64_MAX},
		{"-1", UINT64_MAX},
		{"-0", UINT64_MAX},
		{"0x10", UINT64_MAX},
		{"1e3", UINT64_MAX},
		{"1.0", UINT64_MAX},
		{"1\n", UINT64_MAX},
		{"x", UINT64_MAX},
		{"\xd9\xa1", UINT64_MAX}, /* an Arabic 1 */
		{"/", UINT64_MAX},
		{":", UINT64_MAX}, /* the neighbours of the digits */
		{"1", 0},
		{"5", 4},
		{"10", 9},
		{"65536", 65535},
		{"4294967296", UINT32_MAX},
		{"18446744073709551616", UINT64_MAX},
		{"18446744073709551625", UINT64_MAX},
		{"99999999999999999999999999999999", UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t value = 99;

		if (number_parse(bad[i].text, bad[i].max, &value) != -EINVAL || value != 99)
			fail_msg("\"%s\" is taken for a number up to %llu", bad[i].text,
				 (unsigned long long)bad[i].max);
	}
}

static void a_very_long_text_is_refused(void **state)
{
	static char text[4097];
	uint64_t value;

	(void)state;
	memset(text, '9', 4096);
	assert_int_equal(number_parse(text, UINT64_MAX, &value), -EINVAL);
	memset(text, '0', 4096); /* all zeros are a number */
	assert_int_equal(number_parse(text, 0, &value), 0);
}

/* Each small limit, each number around it. */
static void the_limit_is_exact(void **state)
{
	char text[8];
	uint64_t value;

	(void)state;
	for (unsigned int max = 0; max < 120; max++)
		for (unsigned int n = 0; n < 140; n++) {
			snprintf(text, sizeof(text), "%u", n);
			assert_int_equal(number_parse(text, max, &value), n <= max ? 0 : -EINVAL);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_numbers),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(a_very_long_text_is_refused),
		cmocka_unit_test(the_limit_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
