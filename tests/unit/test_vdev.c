// SPDX-License-Identifier: MIT
/*
 * Virtual disk names as numbers: xen-vbd-interface(7)'s table, and the names it refuses.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "loopback/xloop.h"

static void xvd_is_classic_up_to_disk_15_and_partition_15(void **state)
{
	(void)state;
	assert_int_equal(vdev_number("xvda"), 51712);
	assert_int_equal(vdev_number("xvdb"), 51728);
	assert_int_equal(vdev_number("xvda1"), 51713);
	assert_int_equal(vdev_number("xvdp15"), (202 << 8) | (15 << 4) | 15);
}

static void xvd_is_extended_beyond(void **state)
{
	(void)state;
	assert_int_equal(vdev_number("xvdq"), (1 << 28) | (16 << 8));
	assert_int_equal(vdev_number("xvda16"), (1 << 28) | 16);
	assert_int_equal(vdev_number("xvdaa"), (1 << 28) | (26 << 8));
	assert_int_equal(vdev_number("xvdba3"), (1 << 28) | (52 << 8) | 3);
	assert_int_equal(vdev_number("xvda255"), (1 << 28) | 255);
}

static void hd_and_sd_have_linux_numbers(void **state)
{
	(void)state;
	assert_int_equal(vdev_number("hda"), 768);
	assert_int_equal(vdev_number("hdb1"), 833);
	assert_int_equal(vdev_number("hdc"), 5632);
	assert_int_equal(vdev_number("hdd63"), 5632 + 64 + 63);
	assert_int_equal(vdev_number("sda"), 2048);
	assert_int_equal(vdev_number("sdp15"), 2048 + 255);
}

static void numbers_are_themselves(void **state)
{
	(void)state;
	assert_int_equal(vdev_number("51712"), 51712);
	assert_int_equal(vdev_number("0xca00"), 51712);
	assert_int_equal(vdev_number("2147483647"), 2147483647);
}

static void anything_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"",	      "xvd",
		"xvdA",	      "xvda0",
		"xvda01",     "xvda256",
		"xvda1x",     "xvda-1",
		"hde",	      "hda64",
		"sdq",	      "sda16",
		"-1",	      "2147483648",
		"12x",	      "vda",
		"xvd1",	      " xvda",
		"xvda ",      "0x",
		"xvdzzzzzzz", "18446744073709551616",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (vdev_number(bad[i]) != -EINVAL)
			fail_msg("\"%s\" was taken for %d", bad[i], vdev_number(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xvd_is_classic_up_to_disk_15_and_partition_15),
		cmocka_unit_test(xvd_is_extended_beyond),
		cmocka_unit_test(hd_and_sd_have_linux_numbers),
		cmocka_unit_test(numbers_are_themselves),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
