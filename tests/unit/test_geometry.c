// SPDX-License-Identifier: MIT
/* What a guest says of its framebuffer: every corner of 32 bits, and what is cut as QEMU does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pvfb/geometry.h"

enum {
	MIB = 1 << 20
};

static struct geometry geometry;

static const char *check(int32_t width, int32_t height, int32_t stride, int32_t depth,
			 int32_t offset, uint32_t bytes)
{
	struct geometry_claim claim = {width, height, stride, depth, offset};

	return geometry_check(&geometry, &claim, bytes);
}

static void a_screen_passes(void **state)
{
	(void)state;
	assert_null(check(800, 600, 3200, 32, 0, 2 * MIB));
	assert_int_equal(geometry.width, 800);
	assert_int_equal(geometry.height, 600);
	assert_int_equal(geometry.stride, 3200);
	assert_int_equal(geometry_row_bytes(&geometry), 3200);
	assert_null(check(1, 1, 1, 8, MIB - 1, MIB));
}

static void too_wide_or_high_is_cut(void **state)
{
	(void)state;
	assert_null(check(900, 600, 3200, 32, 0, 2 * MIB));
	assert_int_equal(geometry.width, 800);
	assert_null(check(800, INT32_MAX, 3200, 32, 3200, 32000));
	assert_int_equal(geometry.height, 9);
	assert_null(check(INT32_MAX, INT32_MAX, INT32_MAX, 8, 0, UINT32_MAX));
	assert_int_equal(geometry.width, GEOMETRY_SIDE_MAX);
	assert_int_equal(geometry.height, 2);
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	assert_non_null(check(0, 600, 3200, 32, 0, 2 * MIB));
	assert_non_null(check(800, -1, 3200, 32, 0, 2 * MIB));
	assert_non_null(check(800, 600, 0, 32, 0, 2 * MIB));
	assert_non_null(check(800, 600, -3200, 32, 0, 2 * MIB));
	assert_non_null(check(800, 600, 2 * MIB + 1, 32, 0, 2 * MIB));
	assert_non_null(check(800, 600, 3200, 32, 2 * MIB, 2 * MIB));
	assert_non_null(check(800, 600, 3200, 32, -1, 2 * MIB));
	assert_non_null(check(800, 600, 3200, 32, 2 * MIB - 1, 2 * MIB));
	assert_non_null(check(800, 600, 3, 32, 0, 2 * MIB));
	assert_non_null(check(800, 600, 3200, 32, 0, 0));
	for (int32_t depth = -1; depth < 300; depth++)
		if (depth != 8 && depth != 16 && depth != 24 && depth != 32)
			assert_non_null(check(800, 600, 3200, depth, 0, 2 * MIB));
	assert_non_null(check(800, 600, 3200, INT32_MIN, 0, 2 * MIB));
}

/* All corners with all: whatever passes lies within the framebuffer. */
static void no_corner_reaches_beyond(void **state)
{
	static const int32_t corner[] = {INT32_MIN,
					 INT32_MIN + 1,
					 -4096,
					 -1,
					 0,
					 1,
					 2,
					 3,
					 4,
					 7,
					 8,
					 800,
					 3200,
					 4095,
					 4096,
					 65535,
					 65536,
					 1 << 30,
					 INT32_MAX - 1,
					 INT32_MAX};
	static const int32_t depths[] = {0, 1, 8, 16, 24, 32, 255};
	static const uint32_t sizes[] = {0, 1, 4095, 4096, 2 * MIB, INT32_MAX, UINT32_MAX};
	enum {
		N = sizeof(corner) / sizeof(corner[0])
	};
	uint32_t passed = 0;

	(void)state;
	for (size_t s = 0; s < 7; s++)
		for (size_t d = 0; d < 7; d++)
			for (uint32_t i = 0; i < N * N * N * N; i++) {
				if (check(corner[i % N], corner[i / N % N], corner[i / N / N % N],
					  depths[d], corner[i / N / N / N], sizes[s]))
					continue;
				uint64_t end = geometry.offset +
					       (geometry.height - 1) * (uint64_t)geometry.stride +
					       geometry_row_bytes(&geometry);

				assert_true(geometry.width >= 1 && geometry.height >= 1);
				assert_true(geometry_row_bytes(&geometry) <= geometry.stride);
				assert_true(end <= sizes[s]);
				passed++;
			}
	assert_true(passed > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_screen_passes),
		cmocka_unit_test(too_wide_or_high_is_cut),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(no_corner_reaches_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
