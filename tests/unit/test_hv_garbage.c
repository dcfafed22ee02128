// SPDX-License-Identifier: MIT
/*
 * hv bears any message: random operations with random arguments and lengths from a guest's
 * process leave it alive and, when that process is gone, nothing behind.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "tests/unit/hvhost.h"

#define MESSAGES 30000
#define REFS_MAX 8u

struct packet {
	struct hv_msg msg;
	struct hv_ref refs[REFS_MAX];
};

static int hv_connect(uint32_t guest)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct hv_msg hello = {.op = HV_HELLO, .domid = guest, .value = HV_VERSION};
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/" HV_SOCKET_NAME, host_dir);
	assert_int_equal(connect(sock, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(send(sock, &hello, sizeof(hello), 0), sizeof(hello));
	assert_int_equal(recv(sock, &hello, sizeof(hello), 0), sizeof(hello));
	assert_int_equal(hello.err, 0);
	return sock;
}

/* Mostly a number that means something, sometimes any. */
static uint32_t number(uint32_t guest)
{
	switch (random() % 8) {
	case 0:
		return guest;
	case 1:
		return 0;
	case 2:
		return (uint32_t)random();
	case 3:
		return ~(uint32_t)(random() % 4);
	default:
		return (uint32_t)(random() % 20);
	}
}

static size_t packet_fill(struct packet *p, uint32_t guest)
{
	uint32_t i;

	memset(p, 0, sizeof(*p));
	p->msg.op = (uint32_t)(random() % (HV_OPS + 2));
	p->msg.domid = number(guest);
	p->msg.port = number(guest);
	p->msg.id = number(guest);
	p->msg.flags = number(guest);
	p->msg.offset = number(guest);
	p->msg.value = number(guest);
	p->msg.n = (uint32_t)(random() % (REFS_MAX + 1));
	for (i = 0; i < p->msg.n; i++)
		p->refs[i] = (struct hv_ref){.domid = number(guest), .ref = number(guest)};
	if (random() % 100 == 0)
		return (size_t)(random() % (long)sizeof(*p)); /* a length that does not fit */
	return sizeof(p->msg) + p->msg.n * sizeof(p->refs[0]);
}

/* Returns false if hv ended the connection. */
static bool exchange(int sock, uint32_t guest)
{
	static char reply[sizeof(struct hv_msg) + HV_MAX_REFS * sizeof(struct hv_ref)];
	struct packet p;
	size_t size = packet_fill(&p, guest);

	if (send(sock, &p, size, MSG_NOSIGNAL) < 0)
		return false;
	return recv(sock, reply, sizeof(reply), 0) > 0;
}

static void random_messages_do_no_harm(void **state)
{
	uint32_t guest = guest_new();
	struct hv_stats before = stats_of(guest), after;
	int sock = hv_connect(guest), i, ended = 0;

	(void)state;
	srandom(20240917);
	for (i = 0; i < MESSAGES; i++) {
		if (exchange(sock, guest))
			continue;
		close(sock);
		sock = hv_connect(guest);
		ended++;
	}
	assert_true(ended > 0);
	close(sock);
	for (i = 0; i < 16; i++)
		assert_true(hv_domain_list(host, NULL, 0) > 0); /* hv has seen the end by now */
	after = stats_of(guest);
	assert_int_equal(after.ports, before.ports);
	assert_int_equal(after.maps, 0);
	assert_int_equal(after.grants, before.grants);
	assert_int_equal(after.limbo, 0);
	assert_int_equal(stats_of(0).maps, 0);
}

static void a_guest_has_no_toolstack_calls(void **state)
{
	uint32_t guest = guest_new(), domid, port;
	struct hv *hv;
	char text[16];

	(void)state;
	snprintf(text, sizeof(text), "%u", guest);
	setenv("XLOOP_DOMID", text, 1);
	hv = hv_open();
	assert_non_null(hv);
	assert_int_equal(hv_domain_create(hv, 4, &domid, &port), -EPERM);
	assert_int_equal(hv_domain_destroy(hv, guest), -EPERM);
	hv_close(hv);
	setenv("XLOOP_DOMID", "31000", 1);
	assert_null(hv_open());
	assert_int_equal(errno, ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_messages_do_no_harm),
		cmocka_unit_test(a_guest_has_no_toolstack_calls),
	};

	return cmocka_run_group_tests_name("hv_garbage", tests, host_start, host_stop);
}
