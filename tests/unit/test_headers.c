// SPDX-License-Identifier: MIT
/* Where TCP and UDP begin in a packet, and what a finished checksum is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "loopback/headers.h"

static uint8_t packet[256];

/* Ethernet and IPv4 of @words words, then 20 bytes of @proto. */
static size_t ipv4(unsigned int words, uint8_t proto)
{
	memset(packet, 0, sizeof(packet));
	packet[12] = 8;
	packet[14] = (uint8_t)(0x40 | words);
	packet[14 + 9] = proto;
	packet[14 + words * 4 + 12] = 0x50; /* TCP's own length: 20 */
	return 14 + words * 4 + 20;
}

static size_t ipv6(uint8_t next)
{
	memset(packet, 0, sizeof(packet));
	packet[12] = 0x86;
	packet[13] = 0xdd;
	packet[14] = 0x60;
	packet[14 + 6] = next;
	return 14 + 40;
}

static void tcp_of_ipv4_is_found(void **state)
{
	struct headers h;

	(void)state;
	assert_true(headers_parse(&h, packet, ipv4(5, 6)));
	assert_int_equal(h.l4, 34);
	assert_int_equal(h.csum, 16);
	assert_int_equal(h.length, 54);
	assert_true(headers_parse(&h, packet, ipv4(15, 6))); /* with options */
	assert_int_equal(h.l4, 74);
}

static void udp_has_its_own_place(void **state)
{
	struct headers h;

	(void)state;
	assert_true(headers_parse(&h, packet, ipv4(5, 17)));
	assert_int_equal(h.csum, 6);
	assert_int_equal(h.length, 42);
}

static void ipv6_with_and_without_extensions(void **state)
{
	struct headers h;
	size_t len = ipv6(17);

	(void)state;
	assert_true(headers_parse(&h, packet, len + 8));
	assert_int_equal(h.l4, 54);
	len = ipv6(0); /* hop by hop, of 16 bytes, then TCP */
	packet[54] = 6;
	packet[55] = 1;
	packet[70 + 12] = 0x50;
	assert_true(headers_parse(&h, packet, len + 16 + 20));
	assert_int_equal(h.l4, 70);
	assert_int_equal(h.length, 90);
}

static void what_is_cut_off_is_nothing(void **state)
{
	struct headers h;
	size_t whole = ipv4(5, 6);

	(void)state;
	for (size_t len = 0; len < whole; len++)
		assert_false(headers_parse(&h, packet, len));
	whole = ipv6(0) + 8 + 8;
	packet[54] = 17;
	for (size_t len = 0; len < whole; len++)
		assert_false(headers_parse(&h, packet, len));
	assert_true(headers_parse(&h, packet, whole));
	packet[55] = 255; /* an extension that leaves the packet */
	assert_false(headers_parse(&h, packet, whole));
}

static void neither_is_anything_else(void **state)
{
	struct headers h;
	size_t len = ipv4(5, 1);

	(void)state;
	assert_false(headers_parse(&h, packet, len)); /* ICMP */
	len = ipv4(4, 6);
	assert_false(headers_parse(&h, packet, len)); /* a header that can't be */
	len = ipv4(5, 6);
	packet[14 + 6] = 0x20; /* a fragment */
	assert_false(headers_parse(&h, packet, len));
	len = ipv4(5, 6);
	packet[34 + 12] = 0x40; /* TCP of 16 bytes */
	assert_false(headers_parse(&h, packet, len));
	packet[12] = 0x81; /* a VLAN's tag */
	assert_false(headers_parse(&h, packet, len));
}

/* RFC 1071's own example: 0001 f203 f4f5 f6f7 add up to ddf2; the field is 0 before. */
static void a_checksum_is_finished(void **state)
{
	uint8_t bytes[] = {9, 9, 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7, 0, 0};
	struct iovec frag[] = {{bytes, 5}, {bytes + 5, 1}, {bytes + 6, 6}};

	(void)state;
	assert_true(headers_sum(frag, 3, 2, 8));
	assert_int_equal(bytes[10] << 8 | bytes[11], 0xffff & ~0xddf2);
}

static void it_must_lie_in_the_packet(void **state)
{
	uint8_t bytes[8] = {0};
	struct iovec frag = {bytes, sizeof(bytes)};

	(void)state;
	assert_false(headers_sum(&frag, 1, 0, 7));
	assert_false(headers_sum(&frag, 1, 100, 0));
	assert_true(headers_sum(&frag, 1, 0, 6));
	assert_int_equal(bytes[6] << 8 | bytes[7], 0xffff); /* never 0, which is none to UDP */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_of_ipv4_is_found),
		cmocka_unit_test(udp_has_its_own_place),
		cmocka_unit_test(ipv6_with_and_without_extensions),
		cmocka_unit_test(what_is_cut_off_is_nothing),
		cmocka_unit_test(neither_is_anything_else),
		cmocka_unit_test(a_checksum_is_finished),
		cmocka_unit_test(it_must_lie_in_the_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
