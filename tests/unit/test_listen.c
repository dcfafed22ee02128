// SPDX-License-Identifier: MIT
/* vnclisten, vncdisplay and vncunused, as toolstacks write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pvfb/listen.h"

static struct listen_spec spec;

static void is(const char *vnclisten, const char *vncdisplay, const char *address, uint16_t port)
{
	assert_null(listen_parse(&spec, vnclisten, vncdisplay, NULL));
	assert_string_equal(spec.address, address);
	assert_int_equal(spec.port, port);
}

static void addresses_and_displays(void **state)
{
	(void)state;
	is(NULL, NULL, "127.0.0.1", 5900);
	is("", "", "127.0.0.1", 5900);
	is("localhost", "4", "127.0.0.1", 5904);
	is("0.0.0.0", "4", "0.0.0.0", 5904);
	is("0.0.0.0:7", "4", "0.0.0.0", 5907);
	is(":7", NULL, "127.0.0.1", 5907);
	is("::", NULL, "::", 5900);
	is("fe80::1", "2", "fe80::1", 5902);
	is("[fe80::1]", "2", "fe80::1", 5902);
	is("[::1]:9", "2", "::1", 5909);
	is("1.2.3.4", "59635", "1.2.3.4", 65535);
}

static void nonsense(void **state)
{
	static const char *const address[] = {
		"[::1", "[::1]x", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:59636", "[::1]:-1"};

	(void)state;
	for (size_t i = 0; i < sizeof(address) / sizeof(address[0]); i++)
		assert_non_null(listen_parse(&spec, address[i], NULL, NULL));
	assert_non_null(listen_parse(&spec, NULL, "-1", NULL));
	assert_non_null(listen_parse(&spec, NULL, "59636", NULL));
	assert_non_null(listen_parse(&spec, NULL, "99999999999999999999", NULL));
	assert_non_null(listen_parse(&spec,
				     "1111111111111111111111111111111111111111111111111111111111111"
				     "111111",
				     NULL, NULL));
}

static void the_next_free_one(void **state)
{
	(void)state;
	assert_null(listen_parse(&spec, NULL, NULL, "1"));
	assert_true(spec.unused);
	assert_null(listen_parse(&spec, NULL, NULL, "0"));
	assert_false(spec.unused);
	assert_null(listen_parse(&spec, NULL, NULL, NULL));
	assert_false(spec.unused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_displays),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(the_next_free_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
