// SPDX-License-Identifier: MIT
/*
 * The embedded Xen's event channels behave as Xen's through /dev/xen/evtchn: states of ports,
 * stickiness, masking, ownership, restriction.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include <stdint.h>
#include <xen/xen.h>
#include "loopback/libxenevtchn.h"
#include "tests/unit/hvhost.h"

/* A connected pair of ports, both quiet. */
struct pair {
	uint32_t guest;
	xenevtchn_handle *front, *back;
	evtchn_port_t fport, bport;
};

static struct pair pair_new(void)
{
	struct pair p = {.guest = guest_new()};

	p.front = evtchn_as(p.guest);
	p.back = evtchn_as(0);
	p.fport = (evtchn_port_t)xenevtchn_bind_unbound_port(p.front, 0);
	p.bport = (evtchn_port_t)xenevtchn_bind_interdomain(p.back, p.guest, p.fport);
	assert_true((int)p.fport > 0 && (int)p.bport > 0);
	event_drain(p.back);
	assert_false(fd_ready(xenevtchn_fd(p.front)));
	return p;
}

static void pair_end(struct pair *p)
{
	xenevtchn_close(p->front);
	xenevtchn_close(p->back);
}

static void bind_sets_the_local_port_pending(void **state)
{
	uint32_t guest = guest_new();
	xenevtchn_handle *front = evtchn_as(guest), *back = evtchn_as(0);
	int fport = xenevtchn_bind_unbound_port(front, 0), bport;

	(void)state;
	bport = xenevtchn_bind_interdomain(back, guest, (evtchn_port_t)fport);
	assert_true(fd_ready(xenevtchn_fd(back)));
	assert_int_equal(xenevtchn_pending(back), bport);
	assert_false(fd_ready(xenevtchn_fd(front)));
	xenevtchn_close(front);
	xenevtchn_close(back);
}

static void notify_arrives_on_the_other_side_only(void **state)
{
	struct pair p = pair_new();

	(void)state;
	assert_int_equal(xenevtchn_notify(p.front, p.fport), 0);
	assert_false(fd_ready(xenevtchn_fd(p.front)));
	assert_int_equal(xenevtchn_pending(p.back), p.bport);
	assert_int_equal(xenevtchn_notify(p.back, p.bport), 0);
	assert_int_equal(xenevtchn_pending(p.front), p.fport);
	pair_end(&p);
}

static void many_notifies_are_one_event(void **state)
{
	struct pair p = pair_new();
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_int_equal(xenevtchn_notify(p.front, p.fport), 0);
	assert_int_equal(xenevtchn_pending(p.back), p.bport);
	assert_false(fd_ready(xenevtchn_fd(p.back)));
	assert_int_equal(xenevtchn_unmask(p.back, p.bport), 0);
	assert_false(fd_ready(xenevtchn_fd(p.back)));
	pair_end(&p);
}

static void a_taken_port_is_masked_until_unmask(void **state)
{
	struct pair p = pair_new();

	(void)state;
	xenevtchn_notify(p.front, p.fport);
	assert_int_equal(xenevtchn_pending(p.back), p.bport);
	xenevtchn_notify(p.front, p.fport);
	xenevtchn_notify(p.front, p.fport);
	assert_false(fd_ready(xenevtchn_fd(p.back)));
	assert_int_equal(xenevtchn_unmask(p.back, p.bport), 0);
	assert_int_equal(xenevtchn_pending(p.back), p.bport);
	xenevtchn_unmask(p.back, p.bport);
	assert_false(fd_ready(xenevtchn_fd(p.back)));
	pair_end(&p);
}

static void pending_fails_with_eagain_if_the_fd_is_nonblocking(void **state)
{
	struct pair p = pair_new();

	(void)state;
	fcntl(xenevtchn_fd(p.back), F_SETFL, O_NONBLOCK);
	assert_int_equal(xenevtchn_pending(p.back), -1);
	assert_int_equal(errno, EAGAIN);
	pair_end(&p);
}

static void closing_one_end_makes_the_other_unbound(void **state)
{
	struct pair p = pair_new();
	struct hv_stats before = stats_of(p.guest);
	int again;

	(void)state;
	xenevtchn_close(p.back);
	/* A notify to an unbound port succeeds and vanishes. */
	assert_int_equal(xenevtchn_notify(p.front, p.fport), 0);
	assert_int_equal(stats_of(p.guest).caller.notifies_lost, before.caller.notifies_lost + 1);
	p.back = evtchn_as(0);
	again = xenevtchn_bind_interdomain(p.back, p.guest, p.fport);
	assert_true(again > 0);
	event_drain(p.back);
	xenevtchn_notify(p.front, p.fport);
	assert_int_equal(xenevtchn_pending(p.back), again);
	pair_end(&p);
}

static void unbind_makes_the_other_unbound(void **state)
{
	struct pair p = pair_new();

	(void)state;
	assert_int_equal(xenevtchn_unbind(p.back, p.bport), 0);
	assert_int_equal(xenevtchn_notify(p.back, p.bport), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_true(xenevtchn_bind_interdomain(p.back, p.guest, p.fport) > 0);
	pair_end(&p);
}

static void a_bound_port_can_not_be_bound_again(void **state)
{
	struct pair p = pair_new();

	(void)state;
	assert_int_equal(xenevtchn_bind_interdomain(p.back, p.guest, p.fport), -1);
	assert_int_equal(errno, EINVAL);
	pair_end(&p);
}

static void a_port_can_only_be_bound_by_the_domain_it_is_for(void **state)
{
	uint32_t guest = guest_new(), other = guest_new();
	xenevtchn_handle *front = evtchn_as(guest), *thief = evtchn_as(other);
	int port = xenevtchn_bind_unbound_port(front, 0);

	(void)state;
	assert_int_equal(xenevtchn_bind_interdomain(thief, guest, (evtchn_port_t)port), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(xenevtchn_bind_interdomain(thief, guest, 4000), -1);
	assert_int_equal(xenevtchn_bind_interdomain(thief, 30000, 1), -1);
	assert_int_equal(errno, ESRCH);
	xenevtchn_close(front);
	xenevtchn_close(thief);
}

static void a_port_belongs_to_its_handle(void **state)
{
	struct pair p = pair_new();
	xenevtchn_handle *other = evtchn_as(0);

	(void)state;
	assert_int_equal(xenevtchn_notify(other, p.bport), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_int_equal(xenevtchn_unbind(other, p.bport), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_int_equal(xenevtchn_notify(other, 0xfffffff0), -1);
	xenevtchn_close(other);
	pair_end(&p);
}

static void the_fd_stays_readable_until_the_last_event_is_taken(void **state)
{
	struct pair p = pair_new();
	int f2 = xenevtchn_bind_unbound_port(p.front, 0), b2, first;

	(void)state;
	b2 = xenevtchn_bind_interdomain(p.back, p.guest, (evtchn_port_t)f2);
	event_drain(p.back);
	xenevtchn_notify(p.front, p.fport);
	xenevtchn_notify(p.front, (evtchn_port_t)f2);
	first = xenevtchn_pending(p.back);
	assert_true(fd_ready(xenevtchn_fd(p.back)));
	assert_int_equal(xenevtchn_pending(p.back), first == b2 ? (int)p.bport : b2);
	assert_false(fd_ready(xenevtchn_fd(p.back)));
	pair_end(&p);
}

static void unbind_takes_its_pending_event_along(void **state)
{
	struct pair p = pair_new();

	(void)state;
	xenevtchn_notify(p.front, p.fport);
	assert_true(fd_ready(xenevtchn_fd(p.back)));
	assert_int_equal(xenevtchn_unbind(p.back, p.bport), 0);
	assert_false(fd_ready(xenevtchn_fd(p.back)));
	pair_end(&p);
}

static void a_restricted_handle_binds_to_its_domain_only(void **state)
{
	uint32_t guest = guest_new(), other = guest_new();
	xenevtchn_handle *front = evtchn_as(guest), *front2 = evtchn_as(other),
			 *back = evtchn_as(0);
	int port = xenevtchn_bind_unbound_port(front, 0);
	int port2 = xenevtchn_bind_unbound_port(front2, 0);

	(void)state;
	assert_int_equal(xenevtchn_restrict(back, (domid_t)guest), 0);
	assert_int_equal(xenevtchn_bind_interdomain(back, other, (evtchn_port_t)port2), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(xenevtchn_bind_unbound_port(back, other), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(xenevtchn_bind_virq(back, VIRQ_DOM_EXC), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(xenevtchn_restrict(back, (domid_t)other), -1);
	assert_int_equal(errno, EACCES);
	assert_true(xenevtchn_bind_interdomain(back, guest, (evtchn_port_t)port) > 0);
	xenevtchn_close(front);
	xenevtchn_close(front2);
	xenevtchn_close(back);
}

static void a_destroyed_domain_raises_dom_exc(void **state)
{
	xenevtchn_handle *xce = evtchn_as(0), *second = evtchn_as(0);
	int port = xenevtchn_bind_virq(xce, VIRQ_DOM_EXC);
	uint32_t guest = guest_new();

	(void)state;
	assert_true(port > 0);
	assert_int_equal(xenevtchn_bind_virq(second, VIRQ_DOM_EXC), -1);
	assert_int_equal(errno, EEXIST);
	event_drain(xce);
	assert_int_equal(hv_domain_destroy(host, guest), 0);
	assert_int_equal(xenevtchn_pending(xce), port);
	assert_int_equal(hv_domain_destroy(host, guest), -ESRCH);
	xenevtchn_close(xce);
	xenevtchn_close(second);
}

static void domids_are_not_used_again(void **state)
{
	uint32_t a = guest_new(), b;

	(void)state;
	assert_int_equal(hv_domain_destroy(host, a), 0);
	b = guest_new();
	assert_true(b > a);
}

static void a_notify_fault_drops_that_many(void **state)
{
	struct pair p = pair_new();

	(void)state;
	assert_int_equal(hv_fault(host, p.guest, "notify", 2), 0);
	xenevtchn_notify(p.front, p.fport);
	xenevtchn_notify(p.front, p.fport);
	assert_false(fd_ready(xenevtchn_fd(p.back)));
	xenevtchn_notify(p.front, p.fport);
	assert_true(fd_ready(xenevtchn_fd(p.back)));
	assert_int_equal(hv_fault(host, p.guest, "notify-in", 1), 0);
	xenevtchn_notify(p.back, p.bport);
	assert_false(fd_ready(xenevtchn_fd(p.front)));
	assert_int_equal(hv_fault(host, p.guest, "gravity", 1), -EINVAL);
	pair_end(&p);
}

static void the_store_port_is_adopted_with_an_event(void **state)
{
	uint32_t guest, port;
	xenevtchn_handle *store = evtchn_as(0), *kernel;

	(void)state;
	assert_int_equal(hv_domain_create(host, 1, &guest, &port), 0);
	assert_true(xenevtchn_bind_interdomain(store, guest, port) > 0);
	event_drain(store);
	kernel = evtchn_as(guest);
	assert_int_equal(xloop_evtchn_adopt(kernel, port), 0);
	assert_int_equal(xenevtchn_pending(kernel), port);
	xenevtchn_unmask(kernel, port);
	xenevtchn_notify(kernel, port);
	assert_true(fd_ready(xenevtchn_fd(store)));
	/* Another can follow when the first is gone. */
	xenevtchn_close(kernel);
	kernel = evtchn_as(guest);
	assert_int_equal(xloop_evtchn_adopt(kernel, port), 0);
	xenevtchn_close(kernel);
	xenevtchn_close(store);
}

static void operations_are_counted(void **state)
{
	struct pair p = pair_new();
	struct hv_stats g = stats_of(p.guest), d = stats_of(0), g2, d2;

	(void)state;
	xenevtchn_notify(p.front, p.fport);
	xenevtchn_unmask(p.back, (evtchn_port_t)xenevtchn_pending(p.back));
	g2 = stats_of(p.guest);
	d2 = stats_of(0);
	assert_int_equal(g2.caller.notifies, g.caller.notifies + 1);
	assert_int_equal(g2.caller.notifies_lost, g.caller.notifies_lost);
	assert_int_equal(d2.granter.notifies, d.granter.notifies + 1);
	assert_int_equal(d2.caller.events, d.caller.events + 1);
	assert_int_equal(d2.caller.unmasks, d.caller.unmasks + 1);
	pair_end(&p);
	assert_int_equal(stats_of(p.guest).ports, g.ports - 1);
}

/* The program run by the next test: the handle's fd is its argument. */
static int reopened(const char *arg)
{
	xenevtchn_handle *xce = xenevtchn_fdopen(NULL, atoi(arg), 0);
	int port = xce ? xenevtchn_pending(xce) : -1;

	if (port < 0)
		return 1;
	xenevtchn_unmask(xce, (evtchn_port_t)port);
	port = xenevtchn_notify(xce, (evtchn_port_t)port);
	return xenevtchn_close(xce) || port ? 2 : 0;
}

static void a_handle_survives_exec_by_fdopen(void **state)
{
	uint32_t guest = guest_new();
	xenevtchn_handle *front = evtchn_as(guest), *back;
	char fd[16];
	int fport, status;
	pid_t pid;

	(void)state;
	unsetenv("XLOOP_DOMID");
	back = xenevtchn_open(NULL, XENEVTCHN_NO_CLOEXEC);
	assert_non_null(back);
	fport = xenevtchn_bind_unbound_port(front, 0);
	assert_true(xenevtchn_bind_interdomain(back, guest, (evtchn_port_t)fport) > 0);
	snprintf(fd, sizeof(fd), "%d", xenevtchn_fd(back));
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "test", "reopened", fd, (char *)NULL);
		_exit(127);
	}
	status = child_wait(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(xenevtchn_pending(front), fport);
	assert_null(xenevtchn_fdopen(NULL, 0, 0));
	xenevtchn_close(front);
	xenevtchn_close(back);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bind_sets_the_local_port_pending),
		cmocka_unit_test(notify_arrives_on_the_other_side_only),
		cmocka_unit_test(many_notifies_are_one_event),
		cmocka_unit_test(a_taken_port_is_masked_until_unmask),
		cmocka_unit_test(pending_fails_with_eagain_if_the_fd_is_nonblocking),
		cmocka_unit_test(closing_one_end_makes_the_other_unbound),
		cmocka_unit_test(unbind_makes_the_other_unbound),
		cmocka_unit_test(a_bound_port_can_not_be_bound_again),
		cmocka_unit_test(a_port_can_only_be_bound_by_the_domain_it_is_for),
		cmocka_unit_test(a_port_belongs_to_its_handle),
		cmocka_unit_test(the_fd_stays_readable_until_the_last_event_is_taken),
		cmocka_unit_test(unbind_takes_its_pending_event_along),
		cmocka_unit_test(a_restricted_handle_binds_to_its_domain_only),
		cmocka_unit_test(a_destroyed_domain_raises_dom_exc),
		cmocka_unit_test(domids_are_not_used_again),
		cmocka_unit_test(a_notify_fault_drops_that_many),
		cmocka_unit_test(the_store_port_is_adopted_with_an_event),
		cmocka_unit_test(operations_are_counted),
		cmocka_unit_test(a_handle_survives_exec_by_fdopen),
	};

	if (argc == 3 && !strcmp(argv[1], "reopened"))
		return reopened(argv[2]);
	return cmocka_run_group_tests_name("hv_evtchn", tests, host_start, host_stop);
}
