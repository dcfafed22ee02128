// SPDX-License-Identifier: MIT
/*
 * A guest that shows what it was told: a letter for each letter's key, in a line across the screen,
 * and a square where the left button was pressed.  So a picture tells that both arrived.
 */
#include "loopback/echo.h"

#include <linux/input-event-codes.h>
#include <string.h>

enum {
	WIDE = 5, /* a letter's dots */
	HIGH = 7,
	DOT = 6, /* pixels, each way */
	CELL = (WIDE + 1) * DOT,
	LINE = (HIGH + 2) * DOT,
	LEFT = 40,
	TOP = 240,
	SQUARE = 24,
	INK = 0xffffff,
	PAPER = 0x000060,
	MARK = 0xff8000,
};

/* Rows from above; the leftmost dot is the highest of five bits. */
static const uint8_t letters[26][HIGH] = {
	{14, 17, 17, 31, 17, 17, 17}, {30, 17, 17, 30, 17, 17, 30}, {14, 17, 16, 16, 16, 17, 14},
	{30, 17, 17, 17, 17, 17, 30}, {31, 16, 16, 30, 16, 16, 31}, {31, 16, 16, 30, 16, 16, 16},
	{14, 17, 16, 23, 17, 17, 15}, {17, 17, 17, 31, 17, 17, 17}, {14, 4, 4, 4, 4, 4, 14},
	{7, 2, 2, 2, 2, 18, 12},      {17, 18, 20, 24, 20, 18, 17}, {16, 16, 16, 16, 16, 16, 31},
	{17, 27, 21, 21, 17, 17, 17}, {17, 25, 21, 19, 17, 17, 17}, {14, 17, 17, 17, 17, 17, 14},
	{30, 17, 17, 30, 16, 16, 16}, {14, 17, 17, 17, 21, 18, 13}, {30, 17, 17, 30, 20, 18, 17},
	{15, 16, 16, 14, 1, 1, 30},   {31, 4, 4, 4, 4, 4, 4},	    {17, 17, 17, 17, 17, 17, 14},
	{17, 17, 17, 17, 17, 10, 4},  {17, 17, 17, 21, 21, 27, 17}, {17, 17, 10, 4, 10, 17, 17},
	{17, 17, 10, 4, 4, 4, 4},     {31, 1, 2, 4, 8, 16, 31},
};

/* 'a' to 'z', ' ', or 0. */
static char key_letter(uint32_t code)
{
	static const struct {
		uint32_t first;
		const char *letters;
	} rows[] = {{KEY_Q, "qwertyuiop"}, {KEY_A, "asdfghjkl"}, {KEY_Z, "zxcvbnm"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (code >= rows[i].first && code - rows[i].first < strlen(rows[i].letters))
			return rows[i].letters[code - rows[i].first];
	return code == KEY_SPACE ? ' ' : 0;
}

static bool letter_draw(struct echo *echo, const struct canvas *c, char letter, int drawn[4])
{
	unsigned int x = LEFT + echo->column++ * CELL;
	const uint8_t *rows = letter == ' ' ? NULL : letters[letter - 'a'];

	canvas_fill(c, x, TOP, CELL, LINE, PAPER);
	for (unsigned int row = 0; rows && row < HIGH; row++)
		for (unsigned int col = 0; col < WIDE; col++)
			if (rows[row] >> (WIDE - 1 - col) & 1)
				canvas_fill(c, x + col * DOT + DOT / 2, TOP + (row + 1) * DOT, DOT,
					    DOT, INK);
	memcpy(drawn, (const int[4]){(int)x, TOP, CELL, LINE}, 4 * sizeof(int));
	return true;
}

static bool square_draw(const struct echo *echo, const struct canvas *c, int drawn[4])
{
	int x = echo->x > SQUARE / 2 ? echo->x - SQUARE / 2 : 0;
	int y = echo->y > SQUARE / 2 ? echo->y - SQUARE / 2 : 0;

	canvas_fill(c, (unsigned int)x, (unsigned int)y, SQUARE, SQUARE, MARK);
	memcpy(drawn, (const int[4]){x, y, SQUARE, SQUARE}, 4 * sizeof(int));
	return true;
}

bool echo_event(struct echo *echo, const struct canvas *c, const union xenkbd_in_event *event,
		int drawn[4])
{
	char letter;

	if (event->type == XENKBD_TYPE_POS) {
		echo->x = event->pos.abs_x;
		echo->y = event->pos.abs_y;
	}
	if (event->type != XENKBD_TYPE_KEY || !event->key.pressed)
		return false;
	if (event->key.keycode == BTN_LEFT)
		return square_draw(echo, c, drawn);
	letter = key_letter(event->key.keycode);
	return letter && letter_draw(echo, c, letter, drawn);
}
