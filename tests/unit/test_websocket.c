// SPDX-License-Identifier: MIT
/* A browser's frames in any pieces, and whose request to open a WebSocket is taken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "pvfb/websocket.h"

/* RFC 6455 section 5.7: a masked "Hello", but binary. */
#define HELLO "\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
/* An empty mask makes the rest readable. */
#define MASK "\0\0\0\0"

static struct websocket ws;
static uint8_t buf[512];

static int take(const char *bytes, size_t n)
{
	memcpy(buf, bytes, n);
	return websocket_take(&ws, buf, n);
}

#define TAKE(bytes) take(bytes, sizeof(bytes) - 1)

static int fresh(void **state)
{
	(void)state;
	memset(&ws, 0, sizeof(ws));
	return 0;
}

static void frames_come_in_any_pieces(void **state)
{
	static const char two[] = HELLO HELLO;

	(void)state;
	assert_int_equal(TAKE(HELLO HELLO), 10);
	assert_memory_equal(buf, "HelloHello", 10);
	for (size_t size = 1; size < sizeof(two); size++) {
		char got[16];
		int len = 0;

		fresh(NULL);
		for (size_t at = 0; at < sizeof(two) - 1; at += size) {
			size_t rest = sizeof(two) - 1 - at;
			int n = take(two + at, rest < size ? rest : size);

			assert_true(n >= 0);
			memcpy(got + len, buf, (size_t)n);
			len += n;
		}
		assert_int_equal(len, 10);
		assert_memory_equal(got, "HelloHello", 10);
	}
}

static void lengths_have_three_forms(void **state)
{
	(void)state;
	assert_int_equal(TAKE("\x82\xfe\1\0" MASK "abc"), 3);
	assert_int_equal(ws.left, 253);
	fresh(NULL);
	assert_int_equal(TAKE("\x82\xff\0\0\0\1\0\0\0\0" MASK "abc"), 3);
	assert_true(ws.left == (1ull << 32) - 3);
	fresh(NULL);
	assert_int_equal(TAKE("\x82\xff\x80\0\0\0\0\0\0\0" MASK), -EPROTO);
	fresh(NULL);
	assert_int_equal(TAKE("\x82\x80" MASK HELLO), 5);
}

static void messages_may_have_several_frames(void **state)
{
	(void)state;
	assert_int_equal(TAKE("\2\x81" MASK "a"), 1);
	assert_int_equal(TAKE("\x89\x82" MASK "hi"), 0); /* a ping between */
	assert_true(ws.pinged);
	assert_int_equal(ws.control_len, 2);
	assert_memory_equal(ws.control, "hi", 2);
	assert_int_equal(TAKE("\0\x81" MASK "b\x80\x81" MASK "c"), 2);
	assert_memory_equal(buf, "bc", 2);
	assert_int_equal(TAKE("\x82\x81" MASK "d"), 1);
}

static void goodbye_is_the_end(void **state)
{
	(void)state;
	assert_int_equal(TAKE("\x82\x81" MASK "a\x88\x80" MASK "\x82\x81" MASK "b"), 1);
	assert_true(ws.closing);
}

static void what_is_not_agreed_on_ends_it(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
#define BAD(bytes) {bytes, sizeof(bytes) - 1}
		BAD("\x82\1"),			    /* not masked */
		BAD("\xc2\x81" MASK),		    /* compressed */
		BAD("\x81\x81" MASK),		    /* text */
		BAD("\x80\x81" MASK),		    /* the rest of nothing */
		BAD("\x83\x81" MASK),		    /* what RFC 6455 reserves */
		BAD("\x8b\x80" MASK),		    /* the same */
		BAD("\x09\x80" MASK),		    /* a ping in pieces */
		BAD("\x89\xfe\0\x7e" MASK),	    /* and a long one */
		BAD("\2\x80" MASK "\x82\x80" MASK), /* a message in another */
#undef BAD
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fresh(NULL);
		assert_int_equal(take(bad[i].bytes, bad[i].n), -EPROTO);
	}
}

static void heads_tell_the_length(void **state)
{
	uint8_t head[WEBSOCKET_HEAD_MAX];

	(void)state;
	assert_int_equal(websocket_head(head, WEBSOCKET_BINARY, 125), 2);
	assert_memory_equal(head, "\x82\x7d", 2);
	assert_int_equal(websocket_head(head, WEBSOCKET_BINARY, 126), 4);
	assert_memory_equal(head, "\x82\x7e\0\x7e", 4);
	assert_int_equal(websocket_head(head, WEBSOCKET_BINARY, 65536), 10);
	assert_memory_equal(head, "\x82\x7f\0\0\0\0\0\1\0\0", 10);
}

/* ---- requests ------------------------------------------------------------------------------- */

static char answer[WEB_ANSWER_MAX];

#define KEY	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UPGRADE "upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"

static int ask_any(const char *host, const char *fields, bool any)
{
	char text[2048];

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n", host, fields);
	assert_int_equal(web_request_bytes((const uint8_t *)text, strlen(text)), strlen(text));
	return web_answer(answer, (const uint8_t *)text, strlen(text), any);
}

static int ask(const char *host, const char *fields)
{
	return ask_any(host, fields, false);
}

static void a_browser_is_answered(void **state)
{
	(void)state;
	assert_int_equal(ask("127.0.0.1:5900", UPGRADE KEY), 101);
	assert_non_null(strstr(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	assert_null(strstr(answer, "Protocol:"));
	assert_int_equal(ask("127.0.0.1", UPGRADE KEY "Sec-WebSocket-Protocol: base64,binary\r\n"),
			 101);
	assert_non_null(strstr(answer, "Sec-WebSocket-Protocol: binary\r\n"));
	assert_int_equal(ask("127.0.0.1", UPGRADE KEY "Sec-WebSocket-Protocol: binaryx\r\n"), 101);
	assert_null(strstr(answer, "Protocol:"));
	assert_int_equal(web_request_bytes((const uint8_t *)"GET / HTTP/1.1\r\n\r", 17), 0);
}

static void other_requests_are_not(void **state)
{
	static const char nul[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";

	(void)state;
	assert_int_equal(ask("a", ""), 426);
	assert_non_null(strstr(answer, "halfback console"));
	assert_int_equal(ask("a", "Upgrade: h2c\r\nSec-WebSocket-Version: 13\r\n" KEY), 426);
	assert_int_equal(ask("a", "Upgrade: websocket\r\nSec-WebSocket-Version: 8\r\n" KEY), 426);
	assert_int_equal(ask("a", UPGRADE), 400);
	assert_int_equal(ask("a", UPGRADE "Sec-WebSocket-Key: short\r\n"), 400);
	assert_int_equal(ask("", UPGRADE KEY), 400);
	assert_int_equal(ask("a", "Host: b\r\n" UPGRADE KEY), 400);
	assert_int_equal(ask("a", UPGRADE KEY KEY), 400);
	assert_int_equal(ask("a", "no field\r\n" UPGRADE KEY), 400);
	assert_int_equal(ask("a", "X: alone\n" UPGRADE KEY), 400);
	assert_int_equal(web_answer(answer, (const uint8_t *)nul, sizeof(nul) - 1, false), 400);
}

static int from(const char *host, const char *origin)
{
	char fields[512];

	snprintf(fields, sizeof(fields), UPGRADE KEY "Origin: %s\r\n", origin);
	return ask(host, fields);
}

static void pages_of_other_hosts_are_refused(void **state)
{
	char fields[] = UPGRADE KEY "Origin: https://example.org\r\n";

	(void)state;
	assert_int_equal(from("127.0.0.1:5900", "http://127.0.0.1:6080"), 101);
	assert_int_equal(from("localhost:5900", "http://LocalHost"), 101);
	assert_int_equal(from("[::1]:5900", "http://[::1]:6080"), 101);
	assert_int_equal(from("127.0.0.1:5900", "http://example.org"), 403);
	assert_int_equal(from("192.168.0.1:5900", "http://192.168.0.1"), 101);
	assert_int_equal(from("192.168.0.1:5900", "http://192.168.0.10"), 403);
	assert_int_equal(from("192.168.0.1:5900", "http://127.0.0.1:6080"), 101);
	assert_int_equal(from("127.0.0.1:5900", "http://127.0.0.1.example.org"), 403);
	assert_int_equal(from("127.0.0.1:5900", "null"), 403);
	assert_int_equal(from("192.168.0.1:5900", "http://localhost"), 101);
	assert_int_equal(from("192.168.0.1:5900", "http://local"), 403);
	assert_int_equal(from("192.168.0.1:5900", "http://"), 403);
	assert_int_equal(from("[::1]:5900", "http://[::2]"), 403);
	/* A name that leads here, by who owns it. */
	assert_int_equal(from("example.org:5900", "http://example.org"), 403);
	assert_int_equal(from("localhost.example.org", "http://localhost.example.org"), 403);
	assert_int_equal(from("[", "http://["), 403);
	assert_int_equal(from(":5900", "http://:1"), 403);
	/* Where there is a password, no page knows it. */
	assert_int_equal(ask_any("example.org", fields, true), 101);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(frames_come_in_any_pieces, fresh),
		cmocka_unit_test_setup(lengths_have_three_forms, fresh),
		cmocka_unit_test_setup(messages_may_have_several_frames, fresh),
		cmocka_unit_test_setup(goodbye_is_the_end, fresh),
		cmocka_unit_test_setup(what_is_not_agreed_on_ends_it, fresh),
		cmocka_unit_test(heads_tell_the_length),
		cmocka_unit_test(a_browser_is_answered),
		cmocka_unit_test(other_requests_are_not),
		cmocka_unit_test(pages_of_other_hosts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
