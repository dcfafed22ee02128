// SPDX-License-Identifier: MIT
/* A viewer's pointer in each of the ways that a guest may want it. */
#include <linux/input-event-codes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pvfb/pointer.h"

static union xenkbd_in_event event[POINTER_EVENTS_MAX];

static uint32_t move(struct pointer *pointer, uint32_t buttons, uint32_t x, uint32_t y)
{
	return pointer_move(pointer, buttons, x, y, 800, 600, event);
}

static void absolute_is_in_pixels(void **state)
{
	struct pointer pointer = {.mode = POINTER_ABSOLUTE};

	(void)state;
	assert_int_equal(move(&pointer, 0, 100, 200), 1);
	assert_int_equal(event[0].type, XENKBD_TYPE_POS);
	assert_int_equal(event[0].pos.abs_x, 100);
	assert_int_equal(event[0].pos.abs_y, 200);
	assert_int_equal(move(&pointer, 0, 100, 200), 0);
	assert_int_equal(move(&pointer, 0, 65535, 65535), 1);
	assert_int_equal(event[0].pos.abs_x, 799);
	assert_int_equal(event[0].pos.abs_y, 599);
}

static void raw_is_over_the_whole_axis(void **state)
{
	struct pointer pointer = {.mode = POINTER_RAW};

	(void)state;
	move(&pointer, 0, 799, 599);
	assert_int_equal(event[0].pos.abs_x, 0x7fff);
	assert_int_equal(event[0].pos.abs_y, 0x7fff);
	move(&pointer, 0, 0, 599);
	assert_int_equal(event[0].pos.abs_x, 0);
}

static void relative_is_a_motion(void **state)
{
	struct pointer pointer = {.mode = POINTER_RELATIVE, .x = 10, .y = 10};

	(void)state;
	assert_int_equal(move(&pointer, 0, 5, 30), 1);
	assert_int_equal(event[0].type, XENKBD_TYPE_MOTION);
	assert_int_equal(event[0].motion.rel_x, -5);
	assert_int_equal(event[0].motion.rel_y, 20);
}

static void buttons_are_keys(void **state)
{
	struct pointer pointer = {.mode = POINTER_ABSOLUTE};

	(void)state;
	assert_int_equal(move(&pointer, 1 | 4, 1, 1), 3);
	assert_int_equal(event[1].type, XENKBD_TYPE_KEY);
	assert_int_equal(event[1].key.keycode, BTN_LEFT);
	assert_int_equal(event[1].key.pressed, 1);
	assert_int_equal(event[2].key.keycode, BTN_RIGHT);
	assert_int_equal(move(&pointer, 2, 1, 1), 3);
	assert_int_equal(event[0].key.pressed, 0);
	assert_int_equal(event[1].key.keycode, BTN_MIDDLE);
	assert_int_equal(event[1].key.pressed, 1);
}

static void the_wheel_is_the_third_axis(void **state)
{
	struct pointer pointer = {.mode = POINTER_ABSOLUTE};

	(void)state;
	assert_int_equal(move(&pointer, 8, 0, 0), 1);
	assert_int_equal(event[0].pos.rel_z, -1);
	assert_int_equal(move(&pointer, 0, 0, 0), 0);
	assert_int_equal(move(&pointer, 16, 0, 0), 1);
	assert_int_equal(event[0].pos.rel_z, 1);
	pointer.mode = POINTER_RELATIVE;
	pointer.buttons = 0;
	assert_int_equal(move(&pointer, 16, 0, 0), 1);
	assert_int_equal(event[0].motion.rel_z, 1);
	assert_int_equal(event[0].motion.rel_x, 0);
}

static void it_makes_no_more_than_there_is_room_for(void **state)
{
	struct pointer pointer = {.mode = POINTER_RAW};

	(void)state;
	assert_in_range(pointer_move(&pointer, UINT32_MAX, UINT32_MAX, 0, 1, 1, event), 5,
			POINTER_EVENTS_MAX);
	assert_in_range(pointer_move(&pointer, 0, 7, 7, 0, 0, event), 3, POINTER_EVENTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absolute_is_in_pixels),
		cmocka_unit_test(raw_is_over_the_whole_axis),
		cmocka_unit_test(relative_is_a_motion),
		cmocka_unit_test(buttons_are_keys),
		cmocka_unit_test(the_wheel_is_the_third_axis),
		cmocka_unit_test(it_makes_no_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
