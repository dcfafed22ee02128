// SPDX-License-Identifier: MIT
/*
 * The store's multiplexer: who gets which answer, what a client that went away leaves behind
 * (nothing), and which messages are refused before they reach the ring.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "loopback/storemux.h"

static struct storemux *mux;
static int alice, bob;

/* The message taken last by ring_take() or client_take(). */
static struct xsd_sockmsg msg;
static char body[XENSTORE_PAYLOAD_MAX + 1];

static int setup(void **state)
{
	(void)state;
	mux = calloc(1, sizeof(*mux));
	alice = storemux_attach(mux);
	bob = storemux_attach(mux);
	return mux ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	storemux_free(mux);
	free(mux);
	return 0;
}

static size_t message(char *to, uint32_t type, uint32_t id, uint32_t tx, const void *data,
		      size_t len)
{
	struct xsd_sockmsg m = {.type = type, .req_id = id, .tx_id = tx, .len = (uint32_t)len};

	memcpy(to, &m, sizeof(m));
	memcpy(to + sizeof(m), data, len);
	return sizeof(m) + len;
}

static int client_send(int client, uint32_t type, uint32_t id, uint32_t tx, const void *data,
		       size_t len)
{
	char raw[sizeof(msg) + XENSTORE_PAYLOAD_MAX];

	return storemux_from_client(mux, client, raw, message(raw, type, id, tx, data, len));
}

static int ring_send(uint32_t type, uint32_t id, uint32_t tx, const void *data, size_t len)
{
	char raw[sizeof(msg) + XENSTORE_PAYLOAD_MAX];

	return storemux_from_ring(mux, raw, message(raw, type, id, tx, data, len));
}

static bool take(struct bytes *from)
{
	if (!from->len)
		return false;
	assert_true(from->len >= sizeof(msg));
	memcpy(&msg, bytes_peek(from), sizeof(msg));
	assert_true(from->len >= sizeof(msg) + msg.len);
	memcpy(body, bytes_peek(from) + sizeof(msg), msg.len);
	body[msg.len] = 0;
	bytes_drop(from, sizeof(msg) + msg.len);
	return true;
}

static bool ring_take(void)
{
	return take(&mux->ring_out);
}

static bool client_take(int client)
{
	return take(&mux->client[client].out);
}

/* What the store would answer to the request taken last. */
static void store_answers(const char *text)
{
	assert_int_equal(ring_send(msg.type, msg.req_id, msg.tx_id, text, strlen(text) + 1), 0);
}

static void answers_find_their_asker(void **state)
{
	uint32_t first;

	(void)state;
	client_send(alice, XS_READ, 5, 0, "a", 2);
	client_send(bob, XS_READ, 5, 0, "b", 2);
	assert_true(ring_take());
	assert_string_equal(body, "a");
	first = msg.req_id;
	assert_true(ring_take());
	assert_string_equal(body, "b");
	assert_int_not_equal(msg.req_id, first);
	store_answers("for bob");
	assert_false(client_take(alice));
	assert_true(client_take(bob));
	assert_int_equal(msg.req_id, 5);
	assert_string_equal(body, "for bob");
	ring_send(XS_READ, first, 0, "for alice", 10);
	assert_true(client_take(alice));
	assert_string_equal(body, "for alice");
}

static void a_message_may_come_in_pieces(void **state)
{
	char raw[64];
	size_t len = message(raw, XS_READ, 1, 0, "path", 5);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(mux->ring_out.len, 0);
		assert_int_equal(storemux_from_client(mux, alice, raw + i, 1), 0);
	}
	assert_true(ring_take());
	assert_string_equal(body, "path");
}

static void watches_are_marked_and_events_routed(void **state)
{
	char event[64];
	size_t len;

	(void)state;
	client_send(alice, XS_WATCH, 1, 0, "dir\0tok", 8);
	assert_true(ring_take());
	assert_string_equal(body, "dir");
	assert_string_not_equal(body + 4, "tok");
	len = (size_t)msg.len - 4;
	memcpy(event, "dir/x", 6);
	memcpy(event + 6, body + 4, len);
	store_answers("OK");
	assert_int_equal(ring_send(XS_WATCH_EVENT, 0, 0, event, 6 + len), 0);
	assert_true(client_take(alice)); /* the answer */
	assert_true(client_take(alice));
	assert_int_equal(msg.type, XS_WATCH_EVENT);
	assert_int_equal(msg.len, 10);
	assert_memory_equal(body, "dir/x\0tok", 10);
	assert_false(client_take(bob));
}

static void one_token_for_two_clients(void **state)
{
	char first[32];

	(void)state;
	client_send(alice, XS_WATCH, 1, 0, "dir\0tok", 8);
	client_send(bob, XS_WATCH, 1, 0, "dir\0tok", 8);
	assert_true(ring_take());
	memcpy(first, body, msg.len);
	assert_true(ring_take());
	assert_memory_not_equal(first, body, msg.len);
}

static void malformed_watches_are_refused(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} bad[] = {{"", 0}, {"x", 1}, {"x", 2}, {"x\0y", 3}, {"x\0y\0z", 6}};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(client_send(alice, XS_WATCH, 9, 0, bad[i].data, bad[i].len), 0);
		assert_false(ring_take());
		assert_true(client_take(alice));
		assert_int_equal(msg.type, XS_ERROR);
		assert_int_equal(msg.req_id, 9);
		assert_string_equal(body, "EINVAL");
	}
}

static void a_token_too_long_to_mark_is_refused(void **state)
{
	static char data[XENSTORE_PAYLOAD_MAX];

	(void)state;
	memset(data, 'x', sizeof(data));
	data[10] = data[sizeof(data) - 1] = 0;
	assert_int_equal(client_send(alice, XS_WATCH, 1, 0, data, sizeof(data)), 0);
	assert_false(ring_take());
	assert_true(client_take(alice));
	assert_string_equal(body, "E2BIG");
}

static void a_longer_message_than_allowed_breaks_the_client(void **state)
{
	struct xsd_sockmsg m = {.type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1};

	(void)state;
	assert_int_equal(storemux_from_client(mux, alice, &m, sizeof(m)), -EPROTO);
	assert_false(ring_take());
}

static void transactions_belong_to_who_started_them(void **state)
{
	(void)state;
	client_send(alice, XS_TRANSACTION_START, 1, 0, "", 1);
	assert_true(ring_take());
	store_answers("42");
	client_send(bob, XS_WRITE, 2, 42, "x\0y", 3);
	assert_false(ring_take());
	assert_true(client_take(bob));
	assert_string_equal(body, "ENOENT");
	client_send(alice, XS_WRITE, 3, 42, "x\0y", 3);
	assert_true(ring_take());
	assert_int_equal(msg.tx_id, 42);
	store_answers("OK");
	client_send(alice, XS_TRANSACTION_END, 4, 42, "T", 2);
	assert_true(ring_take());
	store_answers("OK");
	client_send(alice, XS_WRITE, 5, 42, "x\0y", 3);
	assert_false(ring_take());
}

static void who_goes_away_leaves_nothing(void **state)
{
	(void)state;
	client_send(alice, XS_WATCH, 1, 0, "dir\0tok", 8);
	assert_true(ring_take());
	store_answers("OK");
	client_send(alice, XS_TRANSACTION_START, 2, 0, "", 1);
	assert_true(ring_take());
	store_answers("7");
	storemux_detach(mux, alice);
	assert_true(ring_take());
	assert_int_equal(msg.type, XS_UNWATCH);
	assert_string_equal(body, "dir");
	store_answers("OK");
	assert_true(ring_take());
	assert_int_equal(msg.type, XS_TRANSACTION_END);
	assert_int_equal(msg.tx_id, 7);
	assert_string_equal(body, "F");
	assert_false(ring_take());
}

static void what_was_under_way_is_undone_too(void **state)
{
	struct xsd_sockmsg watch;

	(void)state;
	client_send(alice, XS_WATCH, 1, 0, "dir\0tok", 8);
	client_send(alice, XS_TRANSACTION_START, 2, 0, "", 1);
	assert_true(ring_take());
	watch = msg;
	assert_true(ring_take());
	storemux_detach(mux, alice);
	assert_false(ring_take());
	store_answers("7");
	assert_true(ring_take());
	assert_int_equal(msg.type, XS_TRANSACTION_END);
	assert_int_equal(ring_send(watch.type, watch.req_id, 0, "OK", 3), 0);
	assert_true(ring_take());
	assert_int_equal(msg.type, XS_UNWATCH);
	assert_int_equal(mux->pending_count, 0);
}

static void the_next_client_in_the_same_place_is_another(void **state)
{
	int next;

	(void)state;
	client_send(alice, XS_READ, 1, 0, "a", 2);
	assert_true(ring_take());
	storemux_detach(mux, alice);
	next = storemux_attach(mux);
	assert_int_equal(next, alice);
	store_answers("late");
	assert_false(client_take(next));
	assert_int_equal(mux->client[next].inflight, 0);
}

static void nobody_resets_the_others_watches(void **state)
{
	(void)state;
	client_send(alice, XS_RESET_WATCHES, 1, 0, "", 1);
	assert_false(ring_take());
	assert_true(client_take(alice));
	assert_string_equal(body, "EACCES");
}

static void a_client_has_few_requests_on_the_ring(void **state)
{
	int n;

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		client_send(alice, XS_READ, i, 0, "a", 2);
	for (n = 0; ring_take(); n++)
		;
	assert_int_equal(n, MUX_INFLIGHT);
	store_answers("one");
	assert_true(ring_take());
	assert_false(ring_take());
}

static void who_does_not_read_is_dropped(void **state)
{
	static char data[XENSTORE_PAYLOAD_MAX - 64];

	(void)state;
	for (int i = 0; i < 1000 && !mux->client[alice].broken; i++) {
		client_send(alice, XS_READ, 1, 0, "a", 2);
		if (ring_take())
			assert_int_equal(ring_send(XS_READ, msg.req_id, 0, data, sizeof(data)), 0);
	}
	assert_true(mux->client[alice].broken);
	assert_true(mux->client[alice].out.len <= MUX_OUT_MAX + sizeof(data) + sizeof(msg));
	assert_false(mux->client[bob].broken);
}

static void nonsense_from_the_store_is_told(void **state)
{
	(void)state;
	assert_int_equal(ring_send(XS_READ, 3, 0, "x", 2), -EPROTO); /* nobody asked */
	assert_int_equal(ring_send(XS_READ, 0x12345, 0, "x", 2), -EPROTO);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(answers_find_their_asker),
		T(a_message_may_come_in_pieces),
		T(watches_are_marked_and_events_routed),
		T(one_token_for_two_clients),
		T(malformed_watches_are_refused),
		T(a_token_too_long_to_mark_is_refused),
		T(a_longer_message_than_allowed_breaks_the_client),
		T(transactions_belong_to_who_started_them),
		T(who_goes_away_leaves_nothing),
		T(what_was_under_way_is_undone_too),
		T(the_next_client_in_the_same_place_is_another),
		T(nobody_resets_the_others_watches),
		T(a_client_has_few_requests_on_the_ring),
		T(who_does_not_read_is_dropped),
		T(nonsense_from_the_store_is_told),
	};

	return cmocka_run_group_tests_name("storemux", tests, NULL, NULL);
}
