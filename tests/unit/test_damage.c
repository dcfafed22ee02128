// SPDX-License-Identifier: MIT
/* Rectangles as guests name them, and the few that are kept of many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pvfb/damage.h"

static struct rect rect;

static bool clamp(int32_t x, int32_t y, int32_t width, int32_t height)
{
	const int32_t named[4] = {x, y, width, height};

	return rect_clamp(&rect, named, 800, 600);
}

static void is(uint32_t x1, uint32_t y1, uint32_t x2, uint32_t y2)
{
	assert_int_equal(rect.x1, x1);
	assert_int_equal(rect.y1, y1);
	assert_int_equal(rect.x2, x2);
	assert_int_equal(rect.y2, y2);
}

static void what_is_outside_is_cut(void **state)
{
	(void)state;
	assert_true(clamp(10, 20, 30, 40));
	is(10, 20, 40, 60);
	assert_true(clamp(-10, -20, 30, 40));
	is(0, 0, 20, 20);
	assert_true(clamp(790, 590, INT32_MAX, INT32_MAX));
	is(790, 590, 800, 600);
	assert_true(clamp(INT32_MIN, 0, INT32_MAX, 600) == false);
	assert_true(clamp(0, 0, INT32_MAX, INT32_MAX));
	is(0, 0, 800, 600);
}

static void nothing_is_nothing(void **state)
{
	(void)state;
	assert_false(clamp(800, 0, 1, 1));
	assert_false(clamp(INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX));
	assert_false(clamp(INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN));
	assert_false(clamp(10, 10, 0, 10));
	assert_false(clamp(10, 10, 10, -1));
	assert_false(clamp(-10, 0, 10, 10));
}

static bool covered(const struct damage *damage, uint32_t x, uint32_t y)
{
	for (uint32_t i = 0; i < damage->count; i++) {
		const struct rect *r = &damage->rect[i];

		if (x >= r->x1 && x < r->x2 && y >= r->y1 && y < r->y2)
			return true;
	}
	return false;
}

static void nothing_is_forgotten(void **state)
{
	struct damage damage = {0};

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		rect = (struct rect){i % 37 * 20, i % 29 * 20, i % 37 * 20 + 1, i % 29 * 20 + 1};
		damage_add(&damage, &rect);
		assert_in_range(damage.count, 1, DAMAGE_RECTS);
		for (uint32_t k = 0; k <= i; k++)
			assert_true(covered(&damage, k % 37 * 20, k % 29 * 20));
	}
}

static void the_same_twice_is_kept_once(void **state)
{
	struct damage damage = {0};

	(void)state;
	rect = (struct rect){10, 10, 20, 20};
	damage_add(&damage, &rect);
	damage_add(&damage, &rect);
	rect = (struct rect){12, 12, 13, 13};
	damage_add(&damage, &rect);
	assert_int_equal(damage.count, 1);
	rect = (struct rect){0, 0, 40, 40};
	damage_add(&damage, &rect);
	assert_int_equal(damage.count, 1);
	assert_int_equal(damage.rect[0].x2, 40);
	damage_all(&damage, 800, 600);
	assert_int_equal(damage.count, 1);
	assert_int_equal(damage.rect[0].y2, 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_outside_is_cut),
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(nothing_is_forgotten),
		cmocka_unit_test(the_same_twice_is_kept_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
