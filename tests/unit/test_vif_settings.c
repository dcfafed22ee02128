// SPDX-License-Identifier: MIT
/* Rates as libxl writes them, words of anti-spoofing, names of interfaces, lists of multicast. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netback/mcast.h"
#include "netback/settings.h"
#include "netback/tap.h"

static void a_rate_is_bytes_in_a_time(void **state)
{
	struct limit_spec limit;

	(void)state;
	/* 1MB/s@20ms */
	assert_int_equal(settings_parse_rate("20000,20000", &limit), 0);
	assert_int_equal(limit.unit[LIMIT_BPS].rate, 1000000);
	assert_int_equal(limit.unit[LIMIT_BPS].burst, 131072);
	assert_int_equal(limit.unit[LIMIT_IOPS].rate, 0);
	assert_int_equal(settings_parse_rate("4294967295,1", &limit), 0);
	assert_int_equal(limit.unit[LIMIT_BPS].rate, 4294967295u * 1000000ull);
	assert_int_equal(settings_parse_rate("1,4294967295", &limit), 0);
	assert_int_equal(limit.unit[LIMIT_BPS].rate, 1);
	assert_int_equal(settings_parse_rate("0,0", &limit), 0);
	assert_int_equal(limit.unit[LIMIT_BPS].rate, 0);
}

static void what_is_no_rate_is_refused(void **state)
{
	static const char *const bad[] = {"",
					  ",",
					  "1",
					  "1,",
					  ",1",
					  "1,0",
					  "0,1",
					  "-1,1",
					  "1,-1",
					  "1,1,1",
					  "1 ,1",
					  "x,1",
					  "1,1x",
					  "4294967296,1",
					  "1,4294967296",
					  "111111111111111111111111111,1"};
	struct limit_spec limit;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (settings_parse_rate(bad[i], &limit) == 0)
			fail_msg("\"%s\" is taken for a rate", bad[i]);
}

static void words_of_anti_spoofing(void **state)
{
	enum settings_spoof spoof;

	(void)state;
	assert_int_equal(settings_parse_spoof("ip", &spoof), 0);
	assert_int_equal(spoof, SETTINGS_IP);
	assert_int_equal(settings_parse_spoof("auto", &spoof), 0);
	assert_int_equal(spoof, SETTINGS_AUTO);
	assert_true(settings_parse_spoof("on", &spoof) < 0);
	assert_true(settings_parse_spoof("", &spoof) < 0);
}

static void names_of_interfaces(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", "a/b", "a b", "vif%d", "a:0", "a\n", "sixteen-letters-"};

	(void)state;
	assert_true(tap_name_is_valid("vif1.0"));
	assert_true(tap_name_is_valid("fifteen-letters"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (tap_name_is_valid(bad[i]))
			fail_msg("\"%s\" is taken for a name", bad[i]);
}

static void multicast_addresses_are_a_list(void **state)
{
	static const uint8_t all[6] = {255, 255, 255, 255, 255, 255}, one[6] = {0, 1, 2, 3, 4, 5};
	struct mcast mcast = {{0}};
	uint8_t mac[6] = {0x33, 0x33, 0, 0, 0, 0};

	(void)state;
	assert_true(mcast_wanted(&mcast, all));
	assert_true(mcast_wanted(&mcast, one));
	assert_false(mcast_wanted(&mcast, mac));
	assert_int_equal(mcast_add(&mcast, one), -EINVAL);
	for (int i = 0; i < MCAST_MAX; i++) {
		mac[5] = (uint8_t)i;
		assert_int_equal(mcast_add(&mcast, mac), 0);
		assert_int_equal(mcast_add(&mcast, mac), 0); /* it is there once */
	}
	mac[5] = MCAST_MAX;
	assert_int_equal(mcast_add(&mcast, mac), -ENOSPC);
	assert_false(mcast_wanted(&mcast, mac));
	mcast_del(&mcast, mac);
	mac[5] = 7;
	assert_true(mcast_wanted(&mcast, mac));
	mcast_del(&mcast, mac);
	assert_false(mcast_wanted(&mcast, mac));
	mac[5] = MCAST_MAX;
	assert_int_equal(mcast_add(&mcast, mac), 0);
	assert_true(mcast_wanted(&mcast, mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_bytes_in_a_time),
		cmocka_unit_test(what_is_no_rate_is_refused),
		cmocka_unit_test(words_of_anti_spoofing),
		cmocka_unit_test(names_of_interfaces),
		cmocka_unit_test(multicast_addresses_are_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
