// SPDX-License-Identifier: MIT
/*
 * Sizes of images and of null disks: what is a disk and what is not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "blkback/image.h"

static void whole_sectors_are_a_disk(void **state)
{
	static const uint64_t sizes[] = {512,  1024,	   4096,
					 1536, 1ull << 40, (uint64_t)INT64_MAX - 511};
	const char *why = "unset";
	uint64_t sectors;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(image_check_size(sizes[i], &sectors, &why), 0);
		assert_null(why);
		assert_true(sectors == sizes[i] / 512);
	}
}

static void a_wrong_size_has_its_sentence(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *says;
	} wrong[] = {
		{0, "empty"},		{1, "512"},
		{511, "512"},		{513, "512"},
		{4096 + 100, "512"},	{(uint64_t)INT64_MAX, "512"},
		{1ull << 63, "larger"}, {0 - 512ull, "larger"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *why = NULL;
		uint64_t sectors;

		assert_int_equal(image_check_size(wrong[i].bytes, &sectors, &why), -EINVAL);
		assert_non_null(why);
		if (!strstr(why, wrong[i].says))
			fail_msg("%llu bytes: \"%s\"", (unsigned long long)wrong[i].bytes, why);
	}
}

static void null_disks_have_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"null:512", 512},	 {"null:0", 0}, /* a number; image_check_size() refuses it
							 */
		{"null:1K", 1024},	 {"null:1M", 1 << 20},	  {"null:3G", 3ull << 30},
		{"null:8T", 8ull << 40}, {"null:007K", 7 * 1024},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t bytes = 99;

		if (image_parse_null(good[i].text, &bytes) || bytes != good[i].bytes)
			fail_msg("%s is not read right: %llu", good[i].text,
				 (unsigned long long)bytes);
	}
}

static void other_null_disks_are_refused(void **state)
{
	static const char *const bad[] = {
		"null:",
		"null",
		"null:G",
		"null:-1",
		"null:+1",
		"null: 1",
		"null:1 ",
		"null:1g",
		"null:1KB",
		"null:1GG",
		"null:0x100",
		"null:1.5G",
		"nul:512",
		"NULL:512",
		"/null:512",
		"null:1\n",
		"null:1P",
		"null:1,2G",
		"null:9223372036854775808T",
		"null:8388608T",
		"null:99999999999999999999999",
		"null:9223372036854775808K",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t bytes = 99;

		if (image_parse_null(bad[i], &bytes) != -EINVAL)
			fail_msg("%s is taken for %llu bytes", bad[i], (unsigned long long)bytes);
	}
}

/* Never a number that wrapped: what passes is no larger than a file can be, or is refused next. */
static void huge_null_disks_do_not_wrap(void **state)
{
	static const char units[] = {'K', 'M', 'G', 'T'};
	char text[64];

	(void)state;
	for (int digits = 1; digits < 25; digits++)
		for (int unit = 0; unit < 4; unit++) {
			uint64_t bytes = 0;

			memcpy(text, "null:", 5);
			memset(text + 5, '9', (size_t)digits);
			text[5 + digits] = units[unit];
			text[6 + digits] = '\0';
			if (image_parse_null(text, &bytes) < 0)
				continue;
			/* 10^digits - 1, in units */
			assert_true(bytes % 1024 == 0 && bytes >= 9 * 1024);
			assert_true(digits + 3 * (unit + 1) <= 19);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_sectors_are_a_disk),
		cmocka_unit_test(a_wrong_size_has_its_sentence),
		cmocka_unit_test(null_disks_have_sizes),
		cmocka_unit_test(other_null_disks_are_refused),
		cmocka_unit_test(huge_null_disks_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
