// SPDX-License-Identifier: MIT
/* How long a viewer's messages are, from any number of their bytes on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pvfb/rfb_frame.h"

static struct rfb_frame frame;

static int look(enum rfb_phase phase, const char *bytes, size_t n)
{
	return rfb_frame(&frame, phase, (const uint8_t *)bytes, n);
}

static void the_handshake_is_of_fixed_lengths(void **state)
{
	(void)state;
	assert_int_equal(look(RFB_PHASE_VERSION, "RFB 003.008\n", 12), 0);
	assert_int_equal(frame.bytes, 12);
	assert_int_equal(look(RFB_PHASE_VERSION, "RF", 2), 0);
	assert_int_equal(frame.bytes, 12);
	assert_int_equal(look(RFB_PHASE_VERSION, "GET / HTTP/1.1", 14), -EPROTO);
	assert_int_equal(look(RFB_PHASE_VERSION, "RFB 004.000\n", 12), -EPROTO);
	assert_int_equal(look(RFB_PHASE_SECURITY, "\2", 1), 0);
	assert_int_equal(frame.bytes, 1);
	assert_int_equal(look(RFB_PHASE_RESPONSE, "", 0), 0);
	assert_int_equal(frame.bytes, 16);
}

static void lengths_are_those_of_the_protocol(void **state)
{
	static const uint8_t want[][2] = {{0, 20}, {3, 10}, {4, 8}, {5, 6}, {250, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(rfb_frame(&frame, RFB_PHASE_NORMAL, &want[i][0], 1), 0);
		assert_int_equal(frame.bytes, want[i][1]);
		assert_false(frame.drop);
	}
	assert_int_equal(look(RFB_PHASE_NORMAL, "\2\0\0\3", 4), 0);
	assert_int_equal(frame.bytes, 16);
	assert_int_equal(look(RFB_PHASE_NORMAL, "\2\0\0", 3), 0);
	assert_true(frame.bytes > 3);
	assert_int_equal(look(RFB_PHASE_NORMAL, "\373\0\1\1\1\1\2\0", 8), 0);
	assert_int_equal(frame.bytes, 40);
	assert_int_equal(look(RFB_PHASE_NORMAL, "\377\0", 2), 0);
	assert_int_equal(frame.bytes, 12);
}

static void what_we_do_not_speak_ends_it(void **state)
{
	(void)state;
	for (int type = 0; type < 256; type++) {
		uint8_t byte = (uint8_t)type;
		bool known = type == 0 || (type >= 2 && type <= 6) || type == 250 || type == 251 ||
			     type == 255;

		assert_int_equal(rfb_frame(&frame, RFB_PHASE_NORMAL, &byte, 1),
				 known ? 0 : -EPROTO);
	}
	assert_int_equal(look(RFB_PHASE_NORMAL, "\2\0\377\377", 4), -EPROTO);
	assert_int_equal(look(RFB_PHASE_NORMAL, "\377\1", 2), -EPROTO); /* sound */
	assert_int_equal(look(RFB_PHASE_NORMAL, "\373\0\1\1\1\1\377\0", 8), -EPROTO);
}

static void cut_text_is_dropped_and_bounded(void **state)
{
	(void)state;
	assert_int_equal(look(RFB_PHASE_NORMAL, "\6\0\0\0\0\0\1\0", 8), 0);
	assert_int_equal(frame.bytes, 8 + 256);
	assert_true(frame.drop);
	assert_int_equal(look(RFB_PHASE_NORMAL, "\6\0\0\0\377\377\377\0", 8), 0);
	assert_int_equal(frame.bytes, 8 + 256);
	assert_int_equal(look(RFB_PHASE_NORMAL, "\6\0\0\0\177\377\377\377", 8), -EPROTO);
	assert_int_equal(look(RFB_PHASE_NORMAL, "\6\0\0\0\200\0\0\0", 8), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_handshake_is_of_fixed_lengths),
		cmocka_unit_test(lengths_are_those_of_the_protocol),
		cmocka_unit_test(what_we_do_not_speak_ends_it),
		cmocka_unit_test(cut_text_is_dropped_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
