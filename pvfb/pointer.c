// SPDX-License-Identifier: MIT
/*
 * Positions, buttons and wheel: RFB tells where the pointer is and which buttons are down, the
 * wheel being buttons 4 and 5 for a moment; kbdif.h has positions or motions, keys for buttons, and
 * a third axis for the wheel, on which up is -1 (Linux' kbdfront turns it round).
 */
#include "pvfb/pointer.h"

#include <linux/input-event-codes.h>
#include <stdbool.h>

enum {
	RAW_MAX = 0x7fff,
	WHEEL_UP = 1 << 3,
	WHEEL_DOWN = 1 << 4,
};

union xenkbd_in_event key_event(uint32_t code, uint32_t pressed)
{
	union xenkbd_in_event event = {0};

	event.key.type = XENKBD_TYPE_KEY;
	event.key.pressed = pressed != 0;
	event.key.keycode = code;
	return event;
}

static uint32_t within(uint32_t value, uint32_t size)
{
	return size == 0 ? 0 : value < size ? value : size - 1;
}

static uint32_t scaled(uint32_t value, uint32_t size)
{
	return size < 2 ? 0 : (uint32_t)((uint64_t)value * RAW_MAX / (size - 1));
}

static union xenkbd_in_event motion_event(const struct pointer *pointer, uint32_t x, uint32_t y,
					  uint32_t width, uint32_t height, int32_t wheel)
{
	union xenkbd_in_event event = {0};

	if (pointer->mode == POINTER_RELATIVE) {
		event.motion.type = XENKBD_TYPE_MOTION;
		event.motion.rel_x = (int32_t)x - (int32_t)pointer->x;
		event.motion.rel_y = (int32_t)y - (int32_t)pointer->y;
		event.motion.rel_z = wheel;
	} else {
		bool raw = pointer->mode == POINTER_RAW;

		event.pos.type = XENKBD_TYPE_POS;
		event.pos.abs_x = (int32_t)(raw ? scaled(x, width) : x);
		event.pos.abs_y = (int32_t)(raw ? scaled(y, height) : y);
		event.pos.rel_z = wheel;
	}
	return event;
}

uint32_t pointer_move(struct pointer *pointer, uint32_t buttons, uint32_t x, uint32_t y,
		      uint32_t width, uint32_t height,
		      union xenkbd_in_event events[POINTER_EVENTS_MAX])
{
	static const struct {
		uint32_t mask, code;
	} button[] = {{1 << 0, BTN_LEFT}, {1 << 1, BTN_MIDDLE}, {1 << 2, BTN_RIGHT}};
	uint32_t changed = buttons ^ pointer->buttons, pressed = changed & buttons, count = 0;

	x = within(x, width);
	y = within(y, height);
	if (x != pointer->x || y != pointer->y)
		events[count++] = motion_event(pointer, x, y, width, height, 0);
	pointer->x = x;
	pointer->y = y;
	for (uint32_t i = 0; i < sizeof(button) / sizeof(button[0]); i++)
		if (changed & button[i].mask)
			events[count++] = key_event(button[i].code, buttons & button[i].mask);
	if (pressed & WHEEL_UP)
		events[count++] = motion_event(pointer, x, y, width, height, -1);
	if (pressed & WHEEL_DOWN)
		events[count++] = motion_event(pointer, x, y, width, height, 1);
	pointer->buttons = buttons;
	return count;
}
