// SPDX-License-Identifier: MIT
/* Offloads between netif.h's words and those of a tap's header, in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "netback/vnet.h"

static uint8_t frame[PACKET_HEAD];
static struct tx_packet tx;
static struct vnet_header header;
static const char *why;

static int begin(void **state)
{
	(void)state;
	memset(&tx, 0, sizeof(tx));
	memset(frame, 0, sizeof(frame));
	why = NULL;
	return 0;
}

static void ipv4(uint8_t protocol, uint32_t size)
{
	static const uint8_t addresses[] = {10, 0, 0, 1, 10, 0, 0, 2};

	packet_write16(frame + 12, 0x0800);
	frame[14] = 0x46; /* with four bytes of options */
	frame[23] = protocol;
	memcpy(frame + 26, addresses, sizeof(addresses));
	frame[38 + 12] = 0x80; /* 32 bytes of TCP */
	tx.size = size;
}

static int from_guest(void)
{
	struct packet packet;

	assert_true(packet_parse(&packet, frame, sizeof(frame)));
	return vnet_from_guest(&header, &tx, &packet, frame, &why);
}

static void a_blank_checksum_is_found(void **state)
{
	(void)state;
	ipv4(6, 1000);
	tx.csum_blank = 1;
	assert_int_equal(from_guest(), 0);
	assert_int_equal(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(header.csum_start, 38);
	assert_int_equal(header.csum_offset, 16);
	assert_int_equal(header.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	assert_int_equal(frame[38 + 16], 0); /* begun by the guest: left as it is */
	ipv4(17, 1000);
	assert_int_equal(from_guest(), 0);
	assert_int_equal(header.csum_offset, 6);
	ipv4(1, 1000);
	assert_true(from_guest() < 0);
	assert_non_null(why);
	ipv4(6, 38 + 17);
	assert_true(from_guest() < 0);
	packet_write16(frame + 12, 0x0806);
	assert_true(from_guest() < 0);
}

static void a_super_frame_has_its_headers_length(void **state)
{
	(void)state;
	ipv4(6, 60000);
	tx.csum_blank = 1;
	tx.gso_size = 1400;
	tx.gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
	assert_int_equal(from_guest(), 0);
	assert_int_equal(header.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(header.gso_size, 1400);
	assert_int_equal(header.hdr_len, 38 + 32);
	frame[38 + 12] = 0x40; /* a TCP header of 16 bytes */
	assert_true(from_guest() < 0);
	ipv4(17, 60000);
	assert_true(from_guest() < 0);
	ipv4(6, 60000);
	tx.gso_type = XEN_NETIF_GSO_TYPE_TCPV6;
	assert_true(from_guest() < 0);
	tx.gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
	packet_write16(frame + 20, 0x2000); /* a fragment */
	assert_true(from_guest() < 0);
}

/* A super-frame whose guest forgot that its checksum is blank: Linux' netback begins it. */
static void a_checksum_that_was_not_begun_is(void **state)
{
	uint16_t want;

	(void)state;
	ipv4(6, 38 + 2000);
	tx.gso_size = 1000;
	tx.gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
	frame[38 + 16] = 0xbb;
	assert_int_equal(from_guest(), 0);
	assert_int_equal(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	/* 10.0.0.1 + 10.0.0.2 + protocol 6 + 2000 bytes */
	want = (uint16_t)(0x0a00 + 1 + 0x0a00 + 2 + 6 + 2000);
	assert_int_equal(packet_read16(frame + 38 + 16), want);
}

static void a_valid_checksum_is_said_to_be(void **state)
{
	(void)state;
	ipv4(1, 100);
	tx.data_validated = 1;
	assert_int_equal(from_guest(), 0);
	assert_int_equal(header.flags, VIRTIO_NET_HDR_F_DATA_VALID);
	tx.data_validated = 0;
	assert_int_equal(from_guest(), 0);
	assert_int_equal(header.flags, 0);
}

/* ---- to the guest ------------------------------------------------------------------------- */

static struct vnet_rx rx;

static bool to_guest(uint32_t len, uint32_t features)
{
	return vnet_to_guest(&rx, &header, frame, len, features);
}

static void blank(uint16_t start, uint16_t offset)
{
	header = (struct vnet_header){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = start, .csum_offset = offset};
}

static void a_blank_checksum_passes_if_the_guest_takes_it(void **state)
{
	(void)state;
	ipv4(6, 100);
	blank(38, 16);
	assert_true(to_guest(100, VNET_CSUM4));
	assert_int_equal(rx.flags, NETRXF_csum_blank | NETRXF_data_validated);
	assert_int_equal(rx.gso_size, 0);
	header = (struct vnet_header){.flags = VIRTIO_NET_HDR_F_DATA_VALID};
	assert_true(to_guest(100, 0));
	assert_int_equal(rx.flags, NETRXF_data_validated);
	blank(38, 60);
	assert_true(to_guest(100, 0));
	assert_false(to_guest(99, 0)); /* the checksum would lie behind it */
	blank(65535, 65535);
	assert_false(to_guest(100, VNET_CSUM4));
}

static void else_it_is_computed(void **state)
{
	(void)state;
	ipv4(17, 48);
	memset(frame + 38, 0, 10);
	packet_write16(frame + 38, 7);
	packet_write16(frame + 42, 10);
	packet_write16(frame + 44, 0x1000); /* the pseudo header's sum */
	packet_write16(frame + 46, 0x0203);
	blank(38, 6);
	assert_true(to_guest(48, VNET_CSUM6)); /* of IPv4 it takes none */
	assert_int_equal(rx.flags, NETRXF_data_validated);
	assert_int_equal(packet_read16(frame + 44), 0xffff - (7 + 10 + 0x1000 + 0x0203));
}

/* A DHCP client that reads whole frames may not look whether a checksum is blank. */
static void dhcp_gets_its_checksum(void **state)
{
	(void)state;
	ipv4(17, 60);
	packet_write16(frame + 38, 67);
	packet_write16(frame + 40, 68);
	packet_write16(frame + 44, 0x1234);
	blank(38, 6);
	assert_true(to_guest(60, VNET_CSUM4));
	assert_int_equal(rx.flags, NETRXF_data_validated);
	assert_int_not_equal(packet_read16(frame + 44), 0x1234);
}

static void a_super_frame_passes_only_to_who_takes_it(void **state)
{
	(void)state;
	ipv4(6, 200);
	blank(38, 16);
	header.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	header.gso_size = 1400;
	assert_true(to_guest(200, VNET_CSUM4 | VNET_GSO4));
	assert_int_equal(rx.gso_type, XEN_NETIF_GSO_TYPE_TCPV4);
	assert_int_equal(rx.gso_size, 1400);
	assert_int_equal(rx.flags, NETRXF_csum_blank | NETRXF_data_validated);
	assert_false(to_guest(200, VNET_CSUM4 | VNET_GSO6));
	header.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	assert_false(to_guest(200, ~0u));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_blank_checksum_is_found, begin),
		cmocka_unit_test_setup(a_super_frame_has_its_headers_length, begin),
		cmocka_unit_test_setup(a_checksum_that_was_not_begun_is, begin),
		cmocka_unit_test_setup(a_valid_checksum_is_said_to_be, begin),
		cmocka_unit_test_setup(a_blank_checksum_passes_if_the_guest_takes_it, begin),
		cmocka_unit_test_setup(else_it_is_computed, begin),
		cmocka_unit_test_setup(dhcp_gets_its_checksum, begin),
		cmocka_unit_test_setup(a_super_frame_passes_only_to_who_takes_it, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
