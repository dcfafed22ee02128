// SPDX-License-Identifier: MIT
/*
 * The names of disks: NBD's URIs, formats in front of paths, and what is none of them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "blkback/qemu.h"
#include "blkback/target.h"

static void uris_are_taken_apart(void **state)
{
	static const struct {
		const char *text;
		enum target_kind kind;
		const char *host, *port, *socket, *export;
	} good[] = {
		{"nbd://h", TARGET_TCP, "h", "10809", "", ""},
		{"nbd://h/", TARGET_TCP, "h", "10809", "", ""},
		{"nbd://h:1/a/b", TARGET_TCP, "h", "1", "", "a/b"},
		{"nbd://[::1]/x", TARGET_TCP, "::1", "10809", "", "x"},
		{"nbd://[fe80::1%25eth0]:99/x", TARGET_TCP, "fe80::1%eth0", "99", "", "x"},
		{"nbd://h/a%20%2f%3F", TARGET_TCP, "h", "10809", "", "a /?"},
		{"nbd+unix:///?socket=/s", TARGET_UNIX, "", "", "/s", ""},
		{"nbd+unix:///e/f?socket=/a%20b", TARGET_UNIX, "", "", "/a b", "e/f"},
	};
	struct target target;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (target_parse(good[i].text, &target, &why) < 0)
			fail_msg("%s: %s", good[i].text, why);
		assert_int_equal(target.kind, good[i].kind);
		assert_string_equal(target.host, good[i].host);
		assert_string_equal(target.port, good[i].port);
		assert_string_equal(target.socket, good[i].socket);
		assert_string_equal(target.export, good[i].export);
	}
}

static void bad_uris_have_their_sentence(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"nbd://", "nbd://host"},
		{"nbd:///x", "nbd://host"},
		{"nbd://:1/x", "nbd://host"},
		{"nbd://h:/x", "nbd://host"},
		{"nbd://h:x/x", "nbd://host"},
		{"nbd://h:1234567890/x", "nbd://host"},
		{"nbd://me@h/x", "nbd://host"},
		{"nbd://[::1/x", "nbd://host"},
		{"nbd://[::1]x/x", "nbd://host"},
		{"nbd://h/x?tls=1", "nbd://host"},
		{"nbd://h/x#y", "nbd://host"},
		{"nbd://h/%", "bad %"},
		{"nbd://h/%4", "bad %"},
		{"nbd://h/%zz", "bad %"},
		{"nbd://h/%00", "bad %"},
		{"nbd+unix://", "socket=/path"},
		{"nbd+unix:///x", "socket=/path"},
		{"nbd+unix:///x?socket=", "socket=/path"},
		{"nbd+unix:///x?socket=s", "socket=/path"},
		{"nbd+unix:///x?sock=/s", "socket=/path"},
		{"nbd+unix:///x?socket=/s&tls=1", "socket=/path"},
		{"nbd+unix://h/x?socket=/s", "socket=/path"},
		{"nbds://h/x", "TLS"},
		{"nbds+unix:///x?socket=/s", "TLS"},
		{"qcow2:nbd://h/x", "within an NBD export"},
	};
	struct target target;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = "";
		if (target_parse(bad[i].text, &target, &why) != -EINVAL ||
		    !strstr(why, bad[i].says))
			fail_msg("%s: \"%s\"", bad[i].text, why);
	}
}

static void nothing_is_longer_than_its_place(void **state)
{
	struct target target;
	char text[2048];
	const char *why;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "nbd://h/", 8);
	text[8 + TARGET_EXPORT_MAX - 1] = '\0';
	assert_int_equal(target_parse(text, &target, &why), 0);
	assert_int_equal(strlen(target.export), TARGET_EXPORT_MAX - 1);
	text[8 + TARGET_EXPORT_MAX - 1] = 'x';
	assert_int_equal(target_parse(text, &target, &why), -EINVAL);
	memcpy(text, "nbd://xx", 8);
	assert_int_equal(target_parse(text, &target, &why), -EINVAL);
	memcpy(text, "nbd+unix:///?socket=/", 21);
	assert_int_equal(target_parse(text, &target, &why), -EINVAL);
}

static void formats_go_before_paths(void **state)
{
	static const struct {
		const char *text, *format, *path;
	} good[] = {
		{"qcow2:/a:b", "qcow2", "/a:b"}, {"vhd:/x", "vpc", "/x"}, {"vpc:/x", "vpc", "/x"},
		{"vmdk:/x", "vmdk", "/x"},	 {"qed:/x", "qed", "/x"},
	};
	struct target target;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(target_parse(good[i].text, &target, &why), 0);
		assert_int_equal(target.kind, TARGET_FORMAT);
		assert_string_equal(target.format, good[i].format);
		assert_string_equal(target.path, good[i].path);
	}
	assert_int_equal(target_parse("/qcow2:x", &target, &why), 0);
	assert_int_equal(target.kind, TARGET_LOCAL);
	assert_string_equal(target.path, "/qcow2:x");
}

static void images_that_name_other_files_are_judged(void **state)
{
	static const char alone[] = "{\n    \"filename\": \" \\\"backing-filename\\\": \"\n}",
			  backed[] = "{\n    \"backing-filename\": \"/etc/shadow\",\n"
				     "    \"full-backing-filename\": \"/etc/shadow\"\n}",
			  known[] = "{\n    \"backing-filename-format\": \"raw\",\n"
				    "    \"backing-filename\": \"b\"\n}",
			  data[] = "{\n        \"data-file\": \"d\"\n}";

	(void)state;
	assert_null(qemu_judge(alone, false));
	assert_non_null(strstr(qemu_judge(backed, false), "none is allowed"));
	assert_non_null(strstr(qemu_judge(known, false), "none is allowed"));
	assert_non_null(strstr(qemu_judge(backed, true), "does not say which format"));
	assert_null(qemu_judge(known, true));
	assert_non_null(strstr(qemu_judge(data, true), "another file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uris_are_taken_apart),
		cmocka_unit_test(bad_uris_have_their_sentence),
		cmocka_unit_test(nothing_is_longer_than_its_place),
		cmocka_unit_test(formats_go_before_paths),
		cmocka_unit_test(images_that_name_other_files_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
