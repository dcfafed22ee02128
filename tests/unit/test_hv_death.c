// SPDX-License-Identifier: MIT
/*
 * When a process or a domain of the embedded Xen dies, what it held is released as a kernel and
 * a hypervisor would; and a process that has given up its rights goes on working.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <stdint.h>
#include <xen/xen.h>
#include "tests/unit/hvhost.h"

#define RW (PROT_READ | PROT_WRITE)

/* What a backend process of dom0 is told. */
struct ring {
	uint32_t guest, ref, fport;
};

static int backend(void *arg)
{
	struct ring *r = arg;
	xenevtchn_handle *xce = evtchn_as(0);
	xengnttab_handle *xgt = gnttab_as(0);
	int port = xenevtchn_bind_interdomain(xce, r->guest, r->fport);
	char *page =
		xengnttab_map_grant_ref_notify(xgt, r->guest, r->ref, RW, 8, (evtchn_port_t)port);

	if (port < 0 || !page)
		return 1;
	page[8] = 1;
	child_ready((uint32_t)port);
	pause();
	return 0;
}

static void a_killed_backend_releases_maps_and_ports(void **state)
{
	uint32_t guest = guest_new(), ref;
	xengntshr_handle *xgs = gntshr_as(guest);
	xenevtchn_handle *xce = evtchn_as(guest);
	int fport = xenevtchn_bind_unbound_port(xce, 0), round;
	char *page = xengntshr_share_pages(xgs, 0, 1, &ref, 1);
	struct ring r = {.guest = guest, .ref = ref, .fport = (uint32_t)fport};
	uint64_t ports = stats_of(0).ports;
	pid_t pid;

	(void)state;
	for (round = 0; round < 3; round++) {
		pid = child_start(backend, &r);
		assert_int_equal(stats_of(0).maps, 1);
		assert_int_equal(page[8], 1);
		event_drain(xce);
		child_kill(pid);
		assert_int_equal(stats_of(0).maps, 0);
		assert_int_equal(stats_of(0).ports, ports);
		/* The release notification was carried out. */
		assert_int_equal(page[8], 0);
		assert_int_equal(xenevtchn_pending(xce), fport);
		xenevtchn_unmask(xce, (evtchn_port_t)fport);
		assert_int_equal(xenevtchn_notify(xce, (evtchn_port_t)fport), 0);
	}
	xengntshr_close(xgs);
	xenevtchn_close(xce);
}

static int frontend(void *arg)
{
	uint32_t ref, *guest = arg;
	xengntshr_handle *xgs = gntshr_as(*guest);
	char *page = xengntshr_share_pages(xgs, 0, 1, &ref, 1);

	if (!page)
		return 1;
	strcpy(page, "left behind");
	child_ready(ref);
	pause();
	return 0;
}

static void a_killed_frontend_leaves_mapped_pages_in_limbo(void **state)
{
	uint32_t guest = guest_new();
	xengnttab_handle *back = gnttab_as(0);
	pid_t pid = child_start(frontend, &guest);
	char *page = xengnttab_map_grant_ref(back, guest, child_word, RW);

	(void)state;
	assert_non_null(page);
	assert_int_equal(stats_of(guest).grants, 2);
	child_kill(pid);
	assert_string_equal(page, "left behind");
	assert_int_equal(stats_of(guest).grants, 1);
	assert_int_equal(stats_of(guest).limbo, 1);
	assert_int_equal(xengnttab_unmap(back, page, 1), 0);
	assert_int_equal(stats_of(guest).limbo, 0);
	assert_null(xengnttab_map_grant_ref(back, guest, child_word, RW));
	xengnttab_close(back);
}

static int waker(void *arg)
{
	struct ring *r = arg;
	xenevtchn_handle *xce = evtchn_as(0);
	int port = xenevtchn_bind_interdomain(xce, r->guest, r->fport);

	child_ready((uint32_t)port);
	for (;;)
		xenevtchn_notify(xce, (evtchn_port_t)port);
	return 0;
}

/* A notifier may be killed at any instruction; the frontend must be wakeable afterwards. */
static void a_killed_notifier_does_not_deafen_its_peer(void **state)
{
	uint32_t guest = guest_new();
	xenevtchn_handle *xce = evtchn_as(guest), *next;
	int fport = xenevtchn_bind_unbound_port(xce, 0), port, round;
	struct ring r = {.guest = guest, .fport = (uint32_t)fport};
	pid_t pid;

	(void)state;
	for (round = 0; round < 50; round++) {
		pid = child_start(waker, &r);
		for (port = 0; port < 200 + round; port++)
			event_drain(xce);
		child_kill(pid);
		event_drain(xce);
		next = evtchn_as(0);
		port = xenevtchn_bind_interdomain(next, guest, (evtchn_port_t)fport);
		assert_true(port > 0);
		xenevtchn_notify(next, (evtchn_port_t)port);
		assert_true(fd_ready(xenevtchn_fd(xce)));
		event_drain(xce);
		xenevtchn_close(next);
	}
	xenevtchn_close(xce);
}

static void destroying_a_domain_kills_its_processes(void **state)
{
	uint32_t guest = guest_new();
	xengnttab_handle *back = gnttab_as(0);
	pid_t pid = child_start(frontend, &guest);
	char *page = xengnttab_map_grant_ref(back, guest, child_word, RW);
	struct hv_stats s;
	int status;

	(void)state;
	assert_int_equal(hv_domain_destroy(host, guest), 0);
	status = child_wait(pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	/* Memory stays for those who mapped it. */
	assert_string_equal(page, "left behind");
	assert_int_equal(hv_domain_stats(host, guest, &s), -ESRCH);
	assert_null(xengnttab_map_grant_ref(back, guest, child_word, RW));
	assert_int_equal(xengnttab_unmap(back, page, 1), 0);
	assert_int_equal(stats_of(0).maps, 0);
	xengnttab_close(back);
}

static int doomed(void *arg)
{
	uint32_t *guest = arg;
	xenevtchn_handle *xce = evtchn_as(*guest);

	child_ready((uint32_t)xenevtchn_bind_unbound_port(xce, 0));
	pause();
	return 0;
}

static void notifies_to_a_destroyed_domain_vanish(void **state)
{
	uint32_t guest = guest_new();
	xenevtchn_handle *back = evtchn_as(0);
	pid_t pid = child_start(doomed, &guest);
	int port = xenevtchn_bind_interdomain(back, guest, child_word);

	(void)state;
	assert_int_equal(hv_domain_destroy(host, guest), 0);
	child_wait(pid);
	assert_int_equal(xenevtchn_notify(back, (evtchn_port_t)port), 0);
	assert_int_equal(xenevtchn_unbind(back, (evtchn_port_t)port), 0);
	assert_int_equal(xenevtchn_bind_interdomain(back, guest, child_word), -1);
	assert_int_equal(errno, ESRCH);
	xenevtchn_close(back);
}

/* A worker opens its handles, gives up root and the file system, and only then learns of
 * ports and grants. */
static int confined(void *arg)
{
	struct ring *r = arg;
	xenevtchn_handle *xce = evtchn_as(0);
	xengnttab_handle *xgt = gnttab_as(0);
	char text[8] = "";
	xengnttab_grant_copy_segment_t s = {
		.flags = GNTCOPY_source_gref, .len = 8, .dest.virt = text};
	int port;
	char *page;

	if (chroot(host_dir) || chdir("/") || setgid(65534) || setuid(65534))
		return 1;
	port = xenevtchn_bind_interdomain(xce, r->guest, r->fport);
	page = xengnttab_map_grant_ref(xgt, r->guest, r->ref, RW);
	s.source.foreign.domid = (uint16_t)r->guest;
	s.source.foreign.ref = r->ref;
	if (port < 0 || !page || xengnttab_grant_copy(xgt, 1, &s) || s.status || strcmp(text, "hi"))
		return 2;
	strcpy(page, "ho");
	if (xenevtchn_notify(xce, (evtchn_port_t)port) || xengnttab_unmap(xgt, page, 1))
		return 3;
	child_ready(1);
	return 0;
}

static void a_process_without_rights_or_root_goes_on(void **state)
{
	uint32_t guest = guest_new(), ref;
	xengntshr_handle *xgs = gntshr_as(guest);
	xenevtchn_handle *xce = evtchn_as(guest);
	int fport = xenevtchn_bind_unbound_port(xce, 0), status;
	char *page = xengntshr_share_pages(xgs, 0, 1, &ref, 1);
	struct ring r = {.guest = guest, .ref = ref, .fport = (uint32_t)fport};

	(void)state;
	strcpy(page, "hi");
	status = child_wait(child_start(confined, &r));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_string_equal(page, "ho");
	assert_int_equal(xenevtchn_pending(xce), fport);
	xengntshr_close(xgs);
	xenevtchn_close(xce);
}

static int open_fds(pid_t pid)
{
	char path[64];
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		n += !access(path, F_OK);
	}
	return n;
}

/* Closing the handle in a forked child must not take away what the parent holds. */
static int closer(void *arg)
{
	return xengnttab_close(arg) + (open_fds(getpid()) < 0);
}

static void close_in_a_forked_child_takes_nothing_from_the_parent(void **state)
{
	uint32_t guest = guest_new(), ref;
	xengntshr_handle *xgs = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);
	void *page;
	pid_t pid;

	(void)state;
	assert_non_null(xengntshr_share_pages(xgs, 0, 1, &ref, 1));
	page = xengnttab_map_grant_ref(back, guest, ref, RW);
	assert_non_null(page);
	pid = fork();
	if (!pid)
		_exit(closer(back));
	assert_int_equal(child_wait(pid), 0);
	assert_int_equal(stats_of(0).maps, 1);
	assert_int_equal(xengnttab_unmap(back, page, 1), 0);
	xengntshr_close(xgs);
	xengnttab_close(back);
}

static void handles_leave_no_descriptors_behind(void **state)
{
	uint32_t guest = guest_new();
	int before = open_fds(getpid()), i, f;
	xenevtchn_handle *front, *back;

	(void)state;
	for (i = 0; i < 20; i++) {
		front = evtchn_as(guest);
		back = evtchn_as(0);
		f = xenevtchn_bind_unbound_port(front, 0);
		assert_true(xenevtchn_bind_interdomain(back, guest, (evtchn_port_t)f) > 0);
		xenevtchn_notify(front, (evtchn_port_t)f);
		xenevtchn_close(front);
		xenevtchn_close(back);
	}
	assert_int_equal(open_fds(getpid()), before);
	assert_int_equal(stats_of(guest).ports, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_backend_releases_maps_and_ports),
		cmocka_unit_test(a_killed_frontend_leaves_mapped_pages_in_limbo),
		cmocka_unit_test(a_killed_notifier_does_not_deafen_its_peer),
		cmocka_unit_test(destroying_a_domain_kills_its_processes),
		cmocka_unit_test(notifies_to_a_destroyed_domain_vanish),
		cmocka_unit_test(a_process_without_rights_or_root_goes_on),
		cmocka_unit_test(close_in_a_forked_child_takes_nothing_from_the_parent),
		cmocka_unit_test(handles_leave_no_descriptors_behind),
	};

	return cmocka_run_group_tests_name("hv_death", tests, host_start, host_stop);
}
