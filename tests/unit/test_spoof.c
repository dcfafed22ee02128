// SPDX-License-Identifier: MIT
/*
 * Anti-spoofing, packet by packet: each that a guest of 10.0.0.5 and fd00::5 may send, and what is
 * like it and that it may not.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netback/spoof.h"

static const uint8_t mac[6] = {0x00, 0x16, 0x3e, 1, 2, 3};
static const uint8_t other[6] = {0x00, 0x16, 0x3e, 9, 9, 9};

static struct spoof spoof;
static uint8_t frame[PACKET_HEAD];
static size_t length;

static int begin(void **state)
{
	(void)state;
	memset(&spoof, 0, sizeof(spoof));
	spoof.mode = SPOOF_IP;
	memcpy(spoof.mac, mac, 6);
	return spoof_parse_nets(&spoof, "10.0.0.5 fd00::5, 192.168.8.0/21");
}

static void ethernet(const uint8_t *source, uint16_t type)
{
	memset(frame, 0, sizeof(frame));
	memset(frame, 0xff, 6);
	memcpy(frame + 6, source, 6);
	packet_write16(frame + 12, type);
	length = 60;
}

static const char *check(void)
{
	struct packet packet;

	assert_true(packet_parse(&packet, frame, length));
	return spoof_check(&spoof, &packet, frame, length);
}

static void arp(const uint8_t *source, const uint8_t *sender, const char *ip)
{
	static const uint8_t kind[] = {0, 1, 8, 0, 6, 4, 0, 1};

	ethernet(source, 0x0806);
	memcpy(frame + 14, kind, sizeof(kind));
	memcpy(frame + 22, sender, 6);
	inet_pton(AF_INET, ip, frame + 28);
}

static void ipv4(const char *source, uint8_t protocol)
{
	ethernet(mac, 0x0800);
	frame[14] = 0x45;
	frame[23] = protocol;
	inet_pton(AF_INET, source, frame + 26);
}

static void ipv6(const char *source, uint8_t protocol, uint16_t payload)
{
	ethernet(mac, 0x86dd);
	frame[14] = 0x60;
	packet_write16(frame + 18, payload);
	frame[20] = protocol;
	inet_pton(AF_INET6, source, frame + 22);
	length = 54u + payload;
}

static void nd(const char *source, uint8_t type, const char *target, const uint8_t *link)
{
	bool router = type == 133;

	ipv6(source, 58, (uint16_t)((router ? 8 : 24) + (link ? 8 : 0)));
	frame[54] = type;
	if (!router)
		inet_pton(AF_INET6, target, frame + 62);
	if (!link)
		return;
	frame[54 + (router ? 8 : 24)] = type == 136 ? 2 : 1;
	frame[55 + (router ? 8 : 24)] = 1;
	memcpy(frame + 56 + (router ? 8 : 24), link, 6);
}

#define allowed() assert_null(check())
#define refused() assert_non_null(check())

static void its_mac_alone(void **state)
{
	(void)state;
	ethernet(other, 0x0800);
	refused();
	spoof.mode = SPOOF_MAC;
	refused();
	ethernet(mac, 0x88b5);
	allowed();
	arp(mac, other, "9.9.9.9");
	refused();
	arp(mac, mac, "9.9.9.9");
	allowed();
	spoof.mode = SPOOF_OFF;
	ethernet(other, 0x88b5);
	allowed();
}

static void arp_in_its_own_name(void **state)
{
	(void)state;
	arp(mac, mac, "10.0.0.5");
	allowed();
	arp(mac, mac, "0.0.0.0"); /* a probe */
	allowed();
	arp(mac, mac, "10.0.0.6");
	refused();
	arp(mac, other, "10.0.0.5");
	refused();
	arp(other, mac, "10.0.0.5");
	refused();
	arp(mac, mac, "10.0.0.5");
	frame[15] = 6; /* of another hardware */
	refused();
	arp(mac, mac, "10.0.0.5");
	length = 14 + 27;
	refused();
}

static void ipv4_of_its_own(void **state)
{
	(void)state;
	ipv4("10.0.0.5", 6);
	allowed();
	ipv4("192.168.15.255", 6);
	allowed();
	ipv4("192.168.16.0", 6);
	refused();
	ipv4("10.0.0.4", 6);
	refused();
	ipv4("0.0.0.0", 6);
	refused();
	ipv4("0.0.0.0", 17);
	packet_write16(frame + 34, 68);
	packet_write16(frame + 36, 67);
	allowed();
	packet_write16(frame + 34, 67); /* a server */
	refused();
	ipv4("10.0.0.5", 6);
	frame[14] = 0x43; /* a header too short for one */
	refused();
	ipv4("10.0.0.5", 6);
	frame[14] = 0x65;
	refused();
	ipv4("10.0.0.5", 6);
	length = 14 + 19;
	refused();
}

static void ipv6_of_its_own(void **state)
{
	(void)state;
	ipv6("fd00::5", 6, 20);
	allowed();
	ipv6("fd00::6", 6, 20);
	refused();
	ipv6("fe80::216:3eff:fe01:203", 6, 20);
	allowed();
	ipv6("fe80::216:3eff:fe01:204", 6, 20);
	refused();
	ipv6("::", 6, 20);
	refused();
	assert_int_equal(spoof_parse_nets(&spoof, "10.0.0.5"), 0);
	ipv6("fe80::216:3eff:fe01:203", 6, 20); /* a guest without IPv6 */
	refused();
}

static void neighbors_in_its_own_name(void **state)
{
	(void)state;
	nd("fd00::5", 135, "fd00::9", mac);
	allowed();
	nd("fd00::5", 135, "fd00::9", other);
	refused();
	nd("::", 135, "fd00::5", NULL);
	allowed();
	nd("fd00::5", 136, "fd00::5", mac);
	allowed();
	nd("fd00::5", 136, "fd00::9", mac);
	refused();
	nd("fd00::5", 136, "fd00::5", other);
	refused();
	nd("::", 136, "fd00::5", mac);
	refused();
	nd("fd00::5", 133, NULL, mac);
	allowed();
	nd("fd00::5", 133, NULL, other);
	refused();
	nd("fd00::5", 134, "fd00::5", NULL);
	refused();
	nd("fd00::5", 137, "fd00::5", NULL);
	refused();
	nd("fd00::5", 136, "fd00::5", mac);
	frame[79] = 0; /* an option of no length would be looked at for ever */
	refused();
	nd("fd00::5", 136, "fd00::5", mac);
	packet_write16(frame + 18, 20);
	refused();
}

/* Behind extension headers it is looked for; what they hide is refused. */
static void nothing_hides_behind_extensions(void **state)
{
	(void)state;
	nd("fd00::5", 136, "fd00::9", NULL);
	memmove(frame + 62, frame + 54, 24);
	memset(frame + 54, 0, 8);
	frame[20] = 0; /* hop-by-hop */
	frame[54] = 58;
	packet_write16(frame + 18, 32);
	length += 8;
	refused();
	frame[55] = 200; /* as long as no frame's head is */
	refused();
	frame[55] = 0;
	frame[20] = 44; /* a fragment, the first one */
	packet_write16(frame + 56, 1);
	refused();
}

static void vlans_and_other_protocols_are_refused(void **state)
{
	(void)state;
	ipv4("10.0.0.5", 6);
	memmove(frame + 18, frame + 14, 40);
	packet_write16(frame + 12, 0x8100);
	packet_write16(frame + 14, 5);
	packet_write16(frame + 16, 0x0800);
	refused();
	ethernet(mac, 0x88cc);
	refused();
	ethernet(mac, 0x88a8);
	refused();
}

static void what_an_admin_writes_is_read(void **state)
{
	uint8_t read[6];

	(void)state;
	assert_int_equal(spoof_parse_mac(read, "00:16:3E:aB:02:03"), 0);
	assert_memory_equal(read, "\x00\x16\x3e\xab\x02\x03", 6);
	assert_true(spoof_parse_mac(read, "00:16:3e:01:02") < 0);
	assert_true(spoof_parse_mac(read, "00:16:3e:01:02:03:04") < 0);
	assert_true(spoof_parse_mac(read, "0:16:3e:01:02:03") < 0);
	assert_true(spoof_parse_mac(read, "00-16-3e-01-02-03") < 0);
	assert_true(spoof_parse_mac(read, "") < 0);
	assert_int_equal(spoof_parse_nets(&spoof, "  "), 0);
	assert_int_equal(spoof.count, 0);
	assert_true(spoof_parse_nets(&spoof, "10.0.0.1/33") < 0);
	assert_true(spoof_parse_nets(&spoof, "10.0.0.1/") < 0);
	assert_true(spoof_parse_nets(&spoof, "10.0.0.256") < 0);
	assert_true(spoof_parse_nets(&spoof, "fd00::/129") < 0);
	assert_true(spoof_parse_nets(&spoof, "web") < 0);
	assert_true(spoof_parse_nets(&spoof,
				     "1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 "
				     "1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 "
				     "1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(its_mac_alone, begin),
		cmocka_unit_test_setup(arp_in_its_own_name, begin),
		cmocka_unit_test_setup(ipv4_of_its_own, begin),
		cmocka_unit_test_setup(ipv6_of_its_own, begin),
		cmocka_unit_test_setup(neighbors_in_its_own_name, begin),
		cmocka_unit_test_setup(nothing_hides_behind_extensions, begin),
		cmocka_unit_test_setup(vlans_and_other_protocols_are_refused, begin),
		cmocka_unit_test(what_an_admin_writes_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
