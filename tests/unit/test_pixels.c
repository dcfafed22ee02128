// SPDX-License-Identifier: MIT
/* Pixels of each depth, from any byte of guest memory on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pvfb/pixels.h"

static void each_depth(void **state)
{
	static const uint8_t b8[] = {0xe0, 0x1c, 0x03, 0xff},
			     b16[] = {0x00, 0xf8, 0xe0, 0x07, 0x1f, 0}, b24[] = {1, 2, 3, 4, 5, 6},
			     b32[] = {1, 2, 3, 4};
	uint32_t to[4];

	(void)state;
	pixels_convert(to, b8, 4, 8);
	assert_int_equal(to[0], 0xff0000);
	assert_int_equal(to[1], 0x00ff00);
	assert_int_equal(to[2], 0x0000ff);
	assert_int_equal(to[3], 0xffffff);
	pixels_convert(to, b16, 3, 16);
	assert_int_equal(to[0], 0xff0000);
	assert_int_equal(to[1], 0x00ff00);
	assert_int_equal(to[2], 0x0000ff);
	pixels_convert(to, b24, 2, 24);
	assert_int_equal(to[0], 0x030201);
	assert_int_equal(to[1], 0x060504);
	pixels_convert(to, b32, 1, 32);
	assert_int_equal(to[0], 0x04030201);
}

static void any_offset_and_length(void **state)
{
	uint8_t memory[64] __attribute__((aligned(4))), line[72];

	(void)state;
	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (uint8_t)i;
	for (uint32_t offset = 0; offset < 64; offset++)
		for (uint32_t n = 0; n <= 64 - offset; n++) {
			memset(line, 0xaa, sizeof(line));
			assert_memory_equal(pixels_fetch(line, guest_mark(memory), offset, n),
					    memory + offset, n);
			/* It reads whole words, and none beyond the last one. */
			assert_int_equal(line[(offset & 3) + n + 3], 0xaa);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_depth),
		cmocka_unit_test(any_offset_and_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
