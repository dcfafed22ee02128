// SPDX-License-Identifier: MIT
/*
 * Ports on what Linux' /dev/xen/evtchn is: a line of events that is told of only when one comes and
 * finds the line empty (drivers/xen/evtchn.c), and in which the events of a port that was unbound
 * stay.  The embedded Xen is kinder, so here are its calls as that driver has them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/port.h"

static struct {
	int fd;
	uint32_t line[16], prod, cons, reads;
	bool masked[16];
	bool storm; /* the guest notifies each port as soon as it is unmasked */
} dev;

static void event(evtchn_port_t port)
{
	uint64_t one = 1;

	if (dev.masked[port])
		return;
	dev.masked[port] = true;
	dev.line[dev.prod++ % 16] = port;
	if (dev.prod - dev.cons == 1)
		assert_int_equal(write(dev.fd, &one, sizeof(one)), sizeof(one));
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	(void)logger;
	(void)flags;
	memset(&dev, 0, sizeof(dev));
	dev.fd = eventfd(0, EFD_CLOEXEC);
	return (xenevtchn_handle *)&dev;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
	(void)xce;
	return close(dev.fd);
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
	(void)xce;
	return dev.fd;
}

int xenevtchn_restrict(xenevtchn_handle *xce, domid_t domid)
{
	(void)xce;
	(void)domid;
	return 0;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid,
						     evtchn_port_t remote)
{
	(void)xce;
	(void)domid;
	dev.masked[remote] = false;
	return (int)remote; /* the same number on both sides */
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
	(void)xce;
	(void)port;
	return 0;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
	(void)xce;
	dev.reads++;
	if (dev.cons != dev.prod)
		return (int)dev.line[dev.cons++ % 16];
	errno = EAGAIN;
	return -1;
}

int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
	(void)xce;
	dev.masked[port] = false;
	if (dev.storm)
		event(port);
	return 0;
}

struct disk {
	struct port port;
	int kicks;
};

static void kicked(struct port *port)
{
	if (++((struct disk *)port)->kicks > 100000)
		fail_msg("the loop never gets to its timers");
}

static struct loop loop;
static struct port_set set;
static struct disk a, b;

static int setup(void **state)
{
	(void)state;
	assert_int_equal(loop_init(&loop, 8, LOOP_URING), 0);
	assert_int_equal(port_set_open(&set), 0);
	port_set_start(&set, &loop);
	a = b = (struct disk){.port = {.kicked = kicked}};
	assert_int_equal(port_bind(&a.port, &set, 1, 3), 0);
	assert_int_equal(port_bind(&b.port, &set, 1, 5), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	port_set_close(&set, &loop);
	loop_free(&loop);
	return 0;
}

static void stop(void *arg)
{
	(void)arg;
	loop.stop = true;
}

static void run(void)
{
	loop.stop = false;
	loop_timer_add(&loop, 10, stop, NULL);
	assert_int_equal(loop_run(&loop), 0);
}

static void each_event_is_told(void **state)
{
	(void)state;
	event(3);
	event(5);
	run();
	event(5);
	run();
	event(3);
	run();
	assert_true(a.kicks == 2 && b.kicks == 2);
}

/* A disk goes as its guest notifies it and another one; that one must go on being told. */
static void the_event_of_a_port_that_goes_is_in_nobodys_way(void **state)
{
	(void)state;
	event(3);
	event(5);
	port_unbind(&b.port);
	run();
	assert_int_equal(a.kicks, 1);
	for (int i = 2; i < 5; i++) {
		event(3);
		run();
		assert_int_equal(a.kicks, i);
	}
	assert_int_equal(b.kicks, 0);
}

/* One port alone: no read is made only to find nothing. */
static void a_single_port_costs_one_read_an_event(void **state)
{
	(void)state;
	port_unbind(&b.port);
	event(3);
	run();
	dev.reads = 0;
	event(3);
	run();
	assert_int_equal(a.kicks, 2);
	assert_int_equal(dev.reads, 1);
}

/* A guest that storms on both ports: the loop gets around, and so to all else it has to do. */
static void a_storm_leaves_time_for_other_things(void **state)
{
	(void)state;
	dev.storm = true;
	event(3);
	event(5);
	run();
	assert_true(a.kicks > 0 && b.kicks > 0);
	dev.storm = false;
	run();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_event_is_told),
		TEST(the_event_of_a_port_that_goes_is_in_nobodys_way),
		TEST(a_single_port_costs_one_read_an_event),
		TEST(a_storm_leaves_time_for_other_things),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
