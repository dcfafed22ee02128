// SPDX-License-Identifier: MIT
/*
 * What slots of a TX ring mean, as xen/io/netif.h has it, and what of it is refused, as Linux'
 * netback does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "netback/tx_parse.h"

static struct tx_slot slots[64];
static struct tx_packet packet;
static uint32_t count;

static void put(uint16_t flags, uint16_t offset, uint16_t size)
{
	const netif_tx_request_t r = {
		.gref = 100 + count, .offset = offset, .flags = flags, .size = size};

	memcpy(&slots[count++], &r, sizeof(r));
}

static void put_extra(uint8_t type, uint8_t flags, uint16_t size, uint8_t gso_type)
{
	struct netif_extra_info extra = {.type = type, .flags = flags};

	extra.u.gso.size = size;
	extra.u.gso.type = gso_type;
	memset(&slots[count], 0xff, sizeof(slots[count]));
	memcpy(&slots[count++], &extra, sizeof(extra));
}

static enum tx_verdict parse(void)
{
	memset(&packet, 0xa5, sizeof(packet));
	return tx_parse(&packet, slots, count);
}

static int begin(void **state)
{
	(void)state;
	count = 0;
	memset(slots, 0, sizeof(slots));
	return 0;
}

static void one_slot_is_a_packet(void **state)
{
	(void)state;
	put(NETTXF_csum_blank | NETTXF_data_validated, 4036, 60);
	put(0, 0, 60); /* of the next packet */
	assert_int_equal(parse(), TX_SEND);
	assert_int_equal(packet.slots, 1);
	assert_int_equal(packet.extras, 0);
	assert_int_equal(packet.size, 60);
	assert_int_equal(packet.frag_count, 1);
	assert_int_equal(packet.frags[0].ref, 100);
	assert_int_equal(packet.frags[0].offset, 4036);
	assert_int_equal(packet.frags[0].size, 60);
	assert_true(packet.csum_blank && packet.data_validated);
	assert_int_equal(packet.gso_size, 0);
}

/* "The actual size of fragment 1 can only be determined by subtracting": netif.h. */
static void the_first_holds_what_the_others_leave(void **state)
{
	(void)state;
	put(NETTXF_more_data, 96, 4000 + 4096 + 7);
	put(NETTXF_more_data, 0, 4096);
	put(0, 5, 7);
	assert_int_equal(parse(), TX_SEND);
	assert_int_equal(packet.slots, 3);
	assert_int_equal(packet.frag_count, 3);
	assert_int_equal(packet.frags[0].size, 4000);
	assert_int_equal(packet.frags[1].ref, 101);
	assert_int_equal(packet.frags[2].offset, 5);
	assert_int_equal(packet.frags[2].size, 7);
}

static void extras_stand_after_the_first(void **state)
{
	(void)state;
	put(NETTXF_extra_info | NETTXF_more_data, 0, 3000);
	put_extra(XEN_NETIF_EXTRA_TYPE_HASH, XEN_NETIF_EXTRA_FLAG_MORE, 0, 0);
	put_extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 1448, XEN_NETIF_GSO_TYPE_TCPV6);
	put(0, 0, 1000);
	assert_int_equal(parse(), TX_SEND);
	assert_int_equal(packet.slots, 4);
	assert_int_equal(packet.extras, 2);
	assert_int_equal(packet.gso_size, 1448);
	assert_int_equal(packet.gso_type, XEN_NETIF_GSO_TYPE_TCPV6);
	assert_int_equal(packet.frag_count, 2);
	assert_int_equal(packet.frags[0].size, 2000);
	assert_int_equal(packet.frags[1].ref, 103);
}

static void a_multicast_extra_is_no_packet(void **state)
{
	struct netif_extra_info extra = {.type = XEN_NETIF_EXTRA_TYPE_MCAST_DEL};

	(void)state;
	put(NETTXF_extra_info, 60000, 0); /* a dummy: nothing in it counts */
	memcpy(extra.u.mcast.addr, "\1\2\3\4\5\6", 6);
	memcpy(&slots[count++], &extra, sizeof(extra));
	assert_int_equal(parse(), TX_MCAST);
	assert_int_equal(packet.slots, 2);
	assert_int_equal(packet.mcast_add, 0);
	assert_memory_equal(packet.mcast, "\1\2\3\4\5\6", 6);
}

static void frags(uint32_t after)
{
	count = 0;
	put(NETTXF_more_data, 0, (uint16_t)(60 + after * 10));
	for (uint32_t i = 0; i < after; i++)
		put(i + 1 < after ? NETTXF_more_data : 0, 0, 10);
}

/* After the first 18 are taken, 19 and 20 refused, more end the device: xen-netback's netback.c. */
static void fragments_are_counted_as_linux_does(void **state)
{
	(void)state;
	frags(18);
	assert_int_equal(parse(), TX_SEND);
	assert_int_equal(packet.frag_count, TX_FRAGS_MAX);
	for (uint32_t after = 19; after <= 20; after++) {
		frags(after);
		assert_int_equal(parse(), TX_BAD);
		assert_int_equal(packet.slots, after + 1);
		assert_non_null(packet.why);
	}
	frags(21);
	assert_int_equal(parse(), TX_BROKEN);
}

static void zero_sizes_are_fine_but_for_the_packet(void **state)
{
	(void)state;
	put(NETTXF_more_data, 0, 60);
	put(NETTXF_more_data, 4096, 0);
	put(0, 0, 60);
	assert_int_equal(parse(), TX_SEND);
	assert_int_equal(packet.frags[0].size, 0);
	count = 0;
	put(0, 0, 0);
	assert_int_equal(parse(), TX_BAD);
	count = 0;
	put(0, 0, 13);
	assert_int_equal(parse(), TX_BAD);
	count = 0;
	put(0, 0, 14);
	assert_int_equal(parse(), TX_SEND);
}

static void fragments_larger_than_their_packet_are_refused_whole(void **state)
{
	(void)state;
	put(NETTXF_more_data, 0, 100);
	put(NETTXF_more_data, 0, 101);
	put(0, 0, 1);
	assert_int_equal(parse(), TX_BAD);
	assert_int_equal(packet.slots, 3);
}

/* Each of these ends the device. */
static void what_breaks_the_protocol(void **state)
{
	static const struct {
		uint16_t flags, offset, size;
		uint8_t type, more, gso;
		uint16_t gso_size;
	} bad[] = {
		{0, 4037, 60, 0, 0, 0, 0},
		{0, 65535, 65535, 0, 0, 0, 0},
		{NETTXF_more_data, 0, 60, 0, 0, 0, 0},
		{NETTXF_extra_info, 0, 60, 255, 0, 0, 0}, /* type 255: not there */
		{NETTXF_extra_info, 0, 60, 0, 1, 0, 0},
		{NETTXF_extra_info, 0, 60, 6, 1, 0, 0},
		{NETTXF_extra_info, 0, 60, XEN_NETIF_EXTRA_TYPE_GSO, 1, 0, 1000},
		{NETTXF_extra_info, 0, 60, XEN_NETIF_EXTRA_TYPE_GSO, 1, 3, 1000},
		{NETTXF_extra_info, 0, 60, XEN_NETIF_EXTRA_TYPE_GSO, 1, 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		count = 0;
		put(bad[i].flags, bad[i].offset, bad[i].size);
		if (bad[i].more)
			put_extra(bad[i].type, 0, bad[i].gso_size, bad[i].gso);
		if (parse() != TX_BROKEN || !packet.why)
			fail_msg("case %zu passes", i);
	}
}

static void an_extra_that_announces_another_ends_the_device(void **state)
{
	(void)state;
	put(NETTXF_extra_info, 0, 60);
	put_extra(XEN_NETIF_EXTRA_TYPE_HASH, XEN_NETIF_EXTRA_FLAG_MORE, 0, 0);
	assert_int_equal(parse(), TX_BROKEN);
}

static void a_later_fragment_over_its_page_ends_the_device(void **state)
{
	(void)state;
	put(NETTXF_more_data, 0, 200);
	put(0, 4000, 97);
	assert_int_equal(parse(), TX_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_slot_is_a_packet, begin),
		cmocka_unit_test_setup(the_first_holds_what_the_others_leave, begin),
		cmocka_unit_test_setup(extras_stand_after_the_first, begin),
		cmocka_unit_test_setup(a_multicast_extra_is_no_packet, begin),
		cmocka_unit_test_setup(fragments_are_counted_as_linux_does, begin),
		cmocka_unit_test_setup(zero_sizes_are_fine_but_for_the_packet, begin),
		cmocka_unit_test_setup(fragments_larger_than_their_packet_are_refused_whole, begin),
		cmocka_unit_test_setup(what_breaks_the_protocol, begin),
		cmocka_unit_test_setup(an_extra_that_announces_another_ends_the_device, begin),
		cmocka_unit_test_setup(a_later_fragment_over_its_page_ends_the_device, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
