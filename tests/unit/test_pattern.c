// SPDX-License-Identifier: MIT
/*
 * blkload's blocks: each kind of damage is found, and told from the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "loopback/crc32c.h"
#include "loopback/pattern.h"

static char buf[4 * 4096];

static void crc32c_is_the_known_one(void **state)
{
	char zeros[32] = {0};

	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, zeros, sizeof(zeros)), 0x8a9136aa); /* RFC 3720 B.4 */
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void crc32c_by_table_is_the_same(void **state)
{
	(void)state;
	pattern_fill(buf, sizeof(buf), 4096, 0, 3, 1);
	for (size_t len = 0; len < 100; len++)
		assert_int_equal(crc32c(0, buf + len, len), crc32c_table(0, buf + len, len));
}

static void unit_divides_the_block(void **state)
{
	(void)state;
	assert_int_equal(pattern_unit(4096), 4096);
	assert_int_equal(pattern_unit(131072), 4096);
	assert_int_equal(pattern_unit(512), 512);
	assert_int_equal(pattern_unit(6144), 512);
}

static enum pattern_fault check(uint64_t offset, uint64_t seed, uint32_t generation, uint64_t *at)
{
	return pattern_check(buf, sizeof(buf), 4096, offset, seed, generation, at);
}

static void good_blocks_are_good(void **state)
{
	uint64_t at = 0;

	(void)state;
	pattern_fill(buf, sizeof(buf), 4096, 8192, 7, 3);
	assert_int_equal(check(8192, 7, 3, &at), PATTERN_OK);
	assert_int_equal(check(8192, 7, PATTERN_ANY, &at), PATTERN_OK);
}

static void each_fault_has_its_name(void **state)
{
	uint64_t at = 0;

	(void)state;
	pattern_fill(buf, sizeof(buf), 4096, 8192, 7, 3);
	assert_int_equal(check(4096, 7, 3, &at), PATTERN_MISPLACED);
	assert_int_equal(at, 4096);
	assert_int_equal(check(8192, 8, 3, &at), PATTERN_SEED);
	assert_int_equal(check(8192, 7, 2, &at), PATTERN_STALE);
	memset(buf + 4096, 0, 4096);
	assert_int_equal(check(8192, 7, 3, &at), PATTERN_FOREIGN);
	assert_int_equal(at, 12288);
}

static void any_flipped_bit_is_found(void **state)
{
	uint64_t at = 0;

	(void)state;
	pattern_fill(buf, sizeof(buf), 4096, 0, 1, 1);
	for (size_t i = 0; i < 4096; i += 61) {
		buf[i] ^= 4;
		assert_int_not_equal(check(0, 1, 1, &at), PATTERN_OK);
		buf[i] ^= 4;
	}
	assert_int_equal(check(0, 1, 1, &at), PATTERN_OK);
}

static void swapped_sectors_are_found(void **state)
{
	char sector[512];
	uint64_t at = 0;

	(void)state;
	pattern_fill(buf, sizeof(buf), 4096, 0, 1, 1);
	memcpy(sector, buf + 512, 512);
	memcpy(buf + 512, buf + 1024, 512);
	memcpy(buf + 1024, sector, 512);
	assert_int_equal(check(0, 1, 1, &at), PATTERN_TORN);
}

static void no_two_blocks_are_alike(void **state)
{
	(void)state;
	pattern_fill(buf, 4096, 4096, 0, 1, 1);
	pattern_fill(buf + 4096, 4096, 4096, 4096, 1, 1);
	pattern_fill(buf + 8192, 4096, 4096, 0, 1, 2);
	pattern_fill(buf + 12288, 4096, 4096, 0, 2, 1);
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(buf + i * 4096 + 32, buf + j * 4096 + 32, 4064);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_is_the_known_one),
		cmocka_unit_test(crc32c_by_table_is_the_same),
		cmocka_unit_test(unit_divides_the_block),
		cmocka_unit_test(good_blocks_are_good),
		cmocka_unit_test(each_fault_has_its_name),
		cmocka_unit_test(any_flipped_bit_is_found),
		cmocka_unit_test(swapped_sectors_are_found),
		cmocka_unit_test(no_two_blocks_are_alike),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
