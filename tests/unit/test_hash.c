// SPDX-License-Identifier: MIT
/*
 * Hashes of packets are those that Microsoft publishes for Toeplitz ("Verifying the RSS Hash
 * Calculation"), and the control messages that set them up are held against netif.h.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "netback/hash.h"

static const uint8_t key[HASH_KEY_MAX] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

static struct hash hash;
static uint8_t frame[128];

static int begin(void **state)
{
	(void)state;
	memset(&hash, 0, sizeof(hash));
	hash_set_algorithm(&hash, XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ);
	hash_set_key(&hash, key, sizeof(key));
	return (int)hash_set_flags(&hash, 15);
}

static void ipv4(uint8_t protocol)
{
	memset(frame, 0, sizeof(frame));
	packet_write16(frame + 12, 0x0800);
	frame[14] = 0x45;
	frame[23] = protocol;
	inet_pton(AF_INET, "66.9.149.187", frame + 26);
	inet_pton(AF_INET, "161.142.100.80", frame + 30);
	packet_write16(frame + 34, 2794);
	packet_write16(frame + 36, 1766);
}

static void ipv6(uint8_t protocol)
{
	memset(frame, 0, sizeof(frame));
	packet_write16(frame + 12, 0x86dd);
	frame[14] = 0x60;
	frame[20] = protocol;
	inet_pton(AF_INET6, "3ffe:2501:200:1fff::7", frame + 22);
	inet_pton(AF_INET6, "3ffe:2501:200:3::1", frame + 38);
	packet_write16(frame + 54, 2794);
	packet_write16(frame + 56, 1766);
}

static void is(uint8_t type, uint32_t value)
{
	struct hash_value got = {0};
	struct packet packet;

	assert_true(packet_parse(&packet, frame, sizeof(frame)));
	assert_true(hash_packet(&hash, &got, &packet, frame, sizeof(frame)));
	assert_int_equal(got.type, type);
	assert_int_equal(got.value, value);
}

static void is_none(void)
{
	struct hash_value got;
	struct packet packet;

	assert_true(packet_parse(&packet, frame, sizeof(frame)));
	assert_false(hash_packet(&hash, &got, &packet, frame, sizeof(frame)));
}

static void known_packets_have_known_hashes(void **state)
{
	(void)state;
	ipv4(6);
	is(_XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP, 0x51ccc178);
	ipv4(17);
	is(_XEN_NETIF_CTRL_HASH_TYPE_IPV4, 0x323e8fc2);
	ipv6(6);
	is(_XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP, 0x40207d3d);
	ipv6(17);
	is(_XEN_NETIF_CTRL_HASH_TYPE_IPV6, 0x2cc18cd5);
}

static void the_most_that_is_wanted_is_hashed(void **state)
{
	(void)state;
	ipv4(6);
	packet_write16(frame + 20, 0x2000); /* a first fragment has ports, its next one has none */
	is(_XEN_NETIF_CTRL_HASH_TYPE_IPV4, 0x323e8fc2);
	ipv4(6);
	hash_set_flags(&hash, XEN_NETIF_CTRL_HASH_TYPE_IPV4);
	is(_XEN_NETIF_CTRL_HASH_TYPE_IPV4, 0x323e8fc2);
	ipv6(6);
	is_none();
	hash_set_flags(&hash, XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP);
	ipv4(17);
	is_none();
	packet_write16(frame + 12, 0x0806);
	is_none();
	ipv4(6);
	hash_set_algorithm(&hash, XEN_NETIF_CTRL_HASH_ALGORITHM_NONE);
	is_none();
}

static void a_short_key_ends_in_zeros(void **state)
{
	(void)state;
	assert_int_equal(hash_set_key(&hash, key, 4), XEN_NETIF_CTRL_STATUS_SUCCESS);
	assert_memory_equal(hash.key, key, 4);
	for (int i = 4; i < HASH_KEY_MAX; i++)
		assert_int_equal(hash.key[i], 0);
	assert_int_equal(hash_set_key(&hash, key, HASH_KEY_MAX + 1),
			 XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW);
	assert_int_equal(hash_set_key(&hash, key, 0), XEN_NETIF_CTRL_STATUS_SUCCESS);
	ipv4(6);
	is(_XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP, 0);
}

static void flags_need_an_algorithm(void **state)
{
	uint32_t flags = 0;

	(void)state;
	assert_int_equal(hash_set_flags(&hash, 16), XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER);
	assert_int_equal(hash_get_flags(&hash, &flags), XEN_NETIF_CTRL_STATUS_SUCCESS);
	assert_int_equal(flags, 15);
	assert_int_equal(hash_set_algorithm(&hash, 2), XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER);
	hash_set_algorithm(&hash, XEN_NETIF_CTRL_HASH_ALGORITHM_NONE);
	assert_int_equal(hash_get_flags(&hash, &flags), XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED);
	assert_int_equal(hash_set_flags(&hash, 1), XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER);
}

/* XSA-270. */
static void a_mapping_stays_within_its_table(void **state)
{
	uint32_t table[HASH_MAPPING_MAX] = {1, 2, 3};

	(void)state;
	assert_int_equal(hash_set_mapping_size(&hash, 129),
			 XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER);
	assert_int_equal(hash_set_mapping_size(&hash, 8), XEN_NETIF_CTRL_STATUS_SUCCESS);
	assert_int_equal(hash_set_mapping(&hash, table, 8, 0, 4), XEN_NETIF_CTRL_STATUS_SUCCESS);
	assert_int_equal(hash_set_mapping(&hash, table, 3, 5, 4), XEN_NETIF_CTRL_STATUS_SUCCESS);
	assert_int_equal(hash.mapping[7], 3);
	assert_int_equal(hash_set_mapping(&hash, table, 0, 8, 4), XEN_NETIF_CTRL_STATUS_SUCCESS);
	assert_false(hash_mapping_fits(&hash, 9, 0));
	assert_false(hash_mapping_fits(&hash, 4, 5));
	assert_false(hash_mapping_fits(&hash, 1, 8));
	assert_false(hash_mapping_fits(&hash, 2, UINT32_MAX));
	assert_false(hash_mapping_fits(&hash, UINT32_MAX, 1));
	assert_false(hash_mapping_fits(&hash, 1u << 31, 1u << 31));
	assert_int_equal(hash_set_mapping(&hash, table, 3, 0, 3),
			 XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER);
	assert_int_equal(hash_set_mapping_size(&hash, 8), XEN_NETIF_CTRL_STATUS_SUCCESS);
	assert_int_equal(hash.mapping[7], 0);
}

static void what_a_dead_worker_left_is_checked(void **state)
{
	(void)state;
	assert_true(hash_is_valid(&hash, 1));
	hash.mapping[127] = 1;
	assert_true(hash_is_valid(&hash, 2));
	assert_false(hash_is_valid(&hash, 1));
	hash.mapping[127] = 0;
	hash.mapping_size = 129;
	assert_false(hash_is_valid(&hash, 1));
	hash.mapping_size = 0;
	hash.flags = 16;
	assert_false(hash_is_valid(&hash, 1));
	hash.flags = 0;
	hash.algorithm = 2;
	assert_false(hash_is_valid(&hash, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(known_packets_have_known_hashes, begin),
		cmocka_unit_test_setup(the_most_that_is_wanted_is_hashed, begin),
		cmocka_unit_test_setup(a_short_key_ends_in_zeros, begin),
		cmocka_unit_test_setup(flags_need_an_algorithm, begin),
		cmocka_unit_test_setup(a_mapping_stays_within_its_table, begin),
		cmocka_unit_test_setup(what_a_dead_worker_left_is_checked, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
