// SPDX-License-Identifier: MIT
/*
 * The embedded Xen's event channels lose no wake-up when many threads notify, take and unmask
 * at once.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>
#include "tests/unit/hvhost.h"

#define NOTIFIERS 4
#define ROUNDS	  20000

struct side {
	xenevtchn_handle *xce;
	evtchn_port_t port;
};

/* A counter that stands for the ring: the notifier raises it, the taker compares. */
struct channel {
	struct side from, to;
	unsigned produced;
	unsigned consumed;
};

static struct channel channels[NOTIFIERS];

static void *produce(void *arg)
{
	struct channel *c = arg;
	unsigned i;

	for (i = 0; i < ROUNDS; i++) {
		__atomic_fetch_add(&c->produced, 1, __ATOMIC_RELEASE);
		if (xenevtchn_notify(c->from.xce, c->from.port))
			return c;
		/* Now and then let the taker sleep, so that sleeping is tried as well. */
		while (i % 16 == 0 && __atomic_load_n(&c->consumed, __ATOMIC_ACQUIRE) <= i)
			usleep(0);
	}
	return NULL;
}

static struct channel *channel_of(int port)
{
	int i;

	for (i = 0; i < NOTIFIERS; i++)
		if ((int)channels[i].to.port == port)
			return &channels[i];
	return NULL;
}

/* One thread takes the events of all ports, as a backend's loop does. */
static void consume_all(xenevtchn_handle *xce)
{
	unsigned long left = (unsigned long)NOTIFIERS * ROUNDS;
	struct channel *c;
	unsigned seen;
	int port;

	while (left) {
		port = xenevtchn_pending(xce);
		c = channel_of(port);
		if (!c) {
			fail();
			return;
		}
		assert_int_equal(xenevtchn_unmask(xce, (evtchn_port_t)port), 0);
		seen = __atomic_load_n(&c->produced, __ATOMIC_ACQUIRE);
		left -= seen - c->consumed;
		__atomic_store_n(&c->consumed, seen, __ATOMIC_RELEASE);
	}
}

static void threads_on_one_handle_lose_no_event(void **state)
{
	uint32_t guest = guest_new();
	xenevtchn_handle *front = evtchn_as(guest), *back = evtchn_as(0);
	pthread_t threads[NOTIFIERS];
	void *result;
	int i;

	(void)state;
	for (i = 0; i < NOTIFIERS; i++) {
		channels[i].from.xce = front;
		channels[i].from.port = (evtchn_port_t)xenevtchn_bind_unbound_port(front, 0);
		channels[i].to.xce = back;
		channels[i].to.port = (evtchn_port_t)xenevtchn_bind_interdomain(
			back, guest, channels[i].from.port);
	}
	for (i = 0; i < NOTIFIERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &channels[i]), 0);
	consume_all(back);
	for (i = 0; i < NOTIFIERS; i++) {
		pthread_join(threads[i], &result);
		assert_null(result);
	}
	/* Every token was used: nothing is readable but what is pending. */
	event_drain(back);
	assert_false(fd_ready(xenevtchn_fd(back)));
	xenevtchn_close(front);
	xenevtchn_close(back);
}

static void *echo(void *arg)
{
	struct side *s = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (xenevtchn_pending(s->xce) != (int)s->port)
			return s;
		xenevtchn_unmask(s->xce, s->port);
		xenevtchn_notify(s->xce, s->port);
	}
	return NULL;
}

static void ping_and_pong_never_stall(void **state)
{
	uint32_t guest = guest_new();
	struct side a = {.xce = evtchn_as(guest)}, b = {.xce = evtchn_as(0)};
	pthread_t thread;
	void *result;
	int i;

	(void)state;
	a.port = (evtchn_port_t)xenevtchn_bind_unbound_port(a.xce, 0);
	b.port = (evtchn_port_t)xenevtchn_bind_interdomain(b.xce, guest, a.port);
	event_drain(b.xce);
	pthread_create(&thread, NULL, echo, &b);
	for (i = 0; i < ROUNDS; i++) {
		xenevtchn_notify(a.xce, a.port);
		assert_int_equal(xenevtchn_pending(a.xce), a.port);
		xenevtchn_unmask(a.xce, a.port);
	}
	pthread_join(thread, &result);
	assert_null(result);
	xenevtchn_close(a.xce);
	xenevtchn_close(b.xce);
}

struct churn {
	uint32_t guest;
	evtchn_port_t port;
	int stop;
};

/* Backends come and go while the frontend notifies: no error, no write to a wrong fd. */
static void *come_and_go(void *arg)
{
	struct churn *c = arg;
	xenevtchn_handle *xce;
	int i;

	for (i = 0; i < 500; i++) {
		xce = xenevtchn_open(NULL, 0);
		if (!xce || xenevtchn_bind_interdomain(xce, c->guest, c->port) < 0)
			break;
		xenevtchn_close(xce);
	}
	__atomic_store_n(&c->stop, 1, __ATOMIC_RELEASE);
	return i < 500 ? c : NULL;
}

static void backends_may_change_under_notifies(void **state)
{
	struct churn c = {.guest = guest_new()};
	xenevtchn_handle *front = evtchn_as(c.guest), *back;
	pthread_t thread;
	void *result;
	int port;

	(void)state;
	c.port = (evtchn_port_t)xenevtchn_bind_unbound_port(front, 0);
	back = evtchn_as(0); /* sets the domain for the thread's opens */
	pthread_create(&thread, NULL, come_and_go, &c);
	while (!__atomic_load_n(&c.stop, __ATOMIC_ACQUIRE))
		assert_int_equal(xenevtchn_notify(front, c.port), 0);
	pthread_join(thread, &result);
	assert_null(result);
	port = xenevtchn_bind_interdomain(back, c.guest, c.port);
	assert_true(port > 0);
	event_drain(back);
	xenevtchn_notify(front, c.port);
	assert_int_equal(xenevtchn_pending(back), port);
	xenevtchn_close(front);
	xenevtchn_close(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_on_one_handle_lose_no_event),
		cmocka_unit_test(ping_and_pong_never_stall),
		cmocka_unit_test(backends_may_change_under_notifies),
	};

	return cmocka_run_group_tests_name("hv_threads", tests, host_start, host_stop);
}
