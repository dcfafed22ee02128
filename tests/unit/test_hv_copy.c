// SPDX-License-Identifier: MIT
/*
 * xengnttab_grant_copy of the embedded Xen checks and counts as gntdev and Xen do, and copies
 * without a system call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "tests/unit/hvhost.h"

typedef xengnttab_grant_copy_segment_t segment;

struct fixture {
	uint32_t guest;
	xengntshr_handle *front;
	xengnttab_handle *back;
	char *page; /* the guest's four pages: refs[3] is read-only */
	uint32_t refs[4];
	char *local; /* four pages, aligned */
};

static struct fixture fixture_new(void)
{
	struct fixture f = {.guest = guest_new()};

	f.front = gntshr_as(f.guest);
	f.back = gnttab_as(0);
	f.page = xengntshr_share_pages(f.front, 0, 3, f.refs, 1);
	assert_non_null(f.page);
	assert_non_null(xengntshr_share_pages(f.front, 0, 1, &f.refs[3], 0));
	f.local = aligned_alloc(4096, 16384);
	memset(f.local, 0, 16384);
	return f;
}

static void fixture_end(struct fixture *f)
{
	xengntshr_close(f->front);
	xengnttab_close(f->back);
	free(f->local);
}

static segment from_guest(struct fixture *f, unsigned ref, uint16_t offset, void *to, uint16_t len)
{
	segment s = {.flags = GNTCOPY_source_gref, .len = len, .status = 77};

	s.source.foreign.domid = (uint16_t)f->guest;
	s.source.foreign.ref = f->refs[ref];
	s.source.foreign.offset = offset;
	s.dest.virt = to;
	return s;
}

static segment to_guest(struct fixture *f, unsigned ref, uint16_t offset, void *from, uint16_t len)
{
	segment s = {.flags = GNTCOPY_dest_gref, .len = len, .status = 77};

	s.dest.foreign.domid = (uint16_t)f->guest;
	s.dest.foreign.ref = f->refs[ref];
	s.dest.foreign.offset = offset;
	s.source.virt = from;
	return s;
}

static void bytes_go_both_ways(void **state)
{
	struct fixture f = fixture_new();
	char north[6] = "north";
	segment s[2] = {from_guest(&f, 0, 100, f.local, 6), to_guest(&f, 1, 4090, north, 6)};

	(void)state;
	strcpy(f.page + 100, "south");
	assert_int_equal(xengnttab_grant_copy(f.back, 2, s), 0);
	assert_int_equal(s[0].status, GNTST_okay);
	assert_int_equal(s[1].status, GNTST_okay);
	assert_string_equal(f.local, "south");
	assert_string_equal(f.page + 4096 + 4090, "north");
	fixture_end(&f);
}

static void a_segment_that_leaves_its_page_fails_the_call(void **state)
{
	struct fixture f = fixture_new();
	segment s[2] = {from_guest(&f, 0, 0, f.local, 8), from_guest(&f, 1, 4089, f.local, 8)};

	(void)state;
	strcpy(f.page, "nothing");
	assert_int_equal(xengnttab_grant_copy(f.back, 2, s), -1);
	assert_int_equal(errno, EINVAL);
	assert_string_equal(f.local, "");
	s[1] = to_guest(&f, 1, 65535, f.local, 65535);
	assert_int_equal(xengnttab_grant_copy(f.back, 2, s), -1);
	s[1] = to_guest(&f, 1, 4088, f.local, 8);
	assert_int_equal(xengnttab_grant_copy(f.back, 2, s), 0);
	s[1].flags = 0;
	assert_int_equal(xengnttab_grant_copy(f.back, 2, s), -1);
	assert_int_equal(errno, EINVAL);
	fixture_end(&f);
}

static void bad_refs_fail_alone(void **state)
{
	struct fixture f = fixture_new();
	segment s[6];
	int i;

	(void)state;
	memset(f.page, 'x', 4096);
	for (i = 0; i < 6; i++)
		s[i] = from_guest(&f, 0, 0, f.local + i, 1);
	s[1].source.foreign.ref = 50000;
	s[2].source.foreign.ref = 1u << 31;
	s[3].source.foreign.domid = 31000;
	s[4] = to_guest(&f, 3, 0, f.local, 1);
	assert_int_equal(xengnttab_grant_copy(f.back, 6, s), 0);
	assert_int_equal(s[0].status, GNTST_okay);
	assert_int_equal(s[1].status, GNTST_general_error);
	assert_int_equal(s[2].status, GNTST_bad_gntref);
	assert_int_equal(s[3].status, GNTST_bad_domain);
	assert_int_equal(s[4].status, GNTST_general_error);
	assert_int_equal(s[5].status, GNTST_okay);
	assert_memory_equal(f.local, "x\0\0\0\0x", 6);
	/* Reading the read-only page is allowed. */
	s[0] = from_guest(&f, 3, 0, f.local, 1);
	assert_int_equal(xengnttab_grant_copy(f.back, 1, s), 0);
	assert_int_equal(s[0].status, GNTST_okay);
	fixture_end(&f);
}

static void a_grant_for_another_domain_fails(void **state)
{
	struct fixture f = fixture_new();
	xengnttab_handle *thief = gnttab_as(guest_new());
	segment s = from_guest(&f, 0, 0, f.local, 8);

	(void)state;
	assert_int_equal(xengnttab_grant_copy(thief, 1, &s), 0);
	assert_int_equal(s.status, GNTST_general_error);
	xengnttab_close(thief);
	fixture_end(&f);
}

static void a_withdrawn_grant_fails(void **state)
{
	struct fixture f = fixture_new();
	segment s = from_guest(&f, 0, 0, f.local, 8);

	(void)state;
	assert_int_equal(xengnttab_grant_copy(f.back, 1, &s), 0);
	assert_int_equal(s.status, GNTST_okay);
	assert_int_equal(xengntshr_unshare(f.front, f.page, 3), 0);
	assert_int_equal(xengnttab_grant_copy(f.back, 1, &s), 0);
	assert_int_equal(s.status, GNTST_general_error);
	fixture_end(&f);
}

static void a_destroyed_domain_is_a_bad_domain(void **state)
{
	uint32_t guest = guest_new();
	xengnttab_handle *back = gnttab_as(0);
	char local[8];
	segment s = {.flags = GNTCOPY_source_gref, .len = 8, .dest.virt = local};

	(void)state;
	s.source.foreign.domid = (uint16_t)guest;
	s.source.foreign.ref = GNTTAB_RESERVED_XENSTORE;
	assert_int_equal(xengnttab_grant_copy(back, 1, &s), 0);
	assert_int_equal(s.status, GNTST_okay);
	assert_int_equal(hv_domain_destroy(host, guest), 0);
	assert_int_equal(xengnttab_grant_copy(back, 1, &s), 0);
	assert_int_equal(s.status, GNTST_bad_domain);
	xengnttab_close(back);
}

static void both_sides_may_be_foreign(void **state)
{
	struct fixture f = fixture_new();
	segment s = from_guest(&f, 0, 10, NULL, 5);

	(void)state;
	s.flags |= GNTCOPY_dest_gref;
	s.dest.foreign.domid = (uint16_t)f.guest;
	s.dest.foreign.ref = f.refs[2];
	s.dest.foreign.offset = 20;
	strcpy(f.page + 10, "east");
	assert_int_equal(xengnttab_grant_copy(f.back, 1, &s), 0);
	assert_int_equal(s.status, GNTST_okay);
	assert_string_equal(f.page + 8192 + 20, "east");
	s.dest.foreign.ref = f.refs[3];
	assert_int_equal(xengnttab_grant_copy(f.back, 1, &s), 0);
	assert_int_equal(s.status, GNTST_general_error);
	fixture_end(&f);
}

static void copies_are_counted_as_gntdev_makes_them(void **state)
{
	struct fixture f = fixture_new();
	struct hv_op_stats was = stats_of(0).caller, now;
	segment s[17];
	int i;

	(void)state;
	for (i = 0; i < 17; i++)
		s[i] = from_guest(&f, 0, 0, f.local + (i == 5 ? 4000 : 0), 4096);
	s[16].len = 0;
	/* 15 of one page, one that crosses into a second, one of no bytes: 17 ops, 2 batches. */
	assert_int_equal(xengnttab_grant_copy(f.back, 17, s), 0);
	now = stats_of(0).caller;
	assert_int_equal(now.copy_calls - was.copy_calls, 1);
	assert_int_equal(now.copy_ops - was.copy_ops, 17);
	assert_int_equal(now.copy_hypercalls - was.copy_hypercalls, 2);
	assert_int_equal(now.copy_bytes - was.copy_bytes, 16 * 4096);
	now = stats_of(f.guest).granter;
	assert_int_equal(now.copy_calls, 1);
	assert_int_equal(now.copy_ops, 17);
	assert_int_equal(now.copy_hypercalls, 2);
	assert_int_equal(now.copy_bytes, 16 * 4096);
	assert_int_equal(stats_of(f.guest).caller.copy_calls, 0);
	fixture_end(&f);
}

static void copy_faults_hit_that_many_segments(void **state)
{
	struct fixture f = fixture_new();
	segment s[3];
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		s[i] = from_guest(&f, 0, 0, f.local, 8);
	assert_int_equal(hv_fault(host, f.guest, "copy", 2), 0);
	assert_int_equal(xengnttab_grant_copy(f.back, 3, s), 0);
	assert_int_equal(s[0].status, GNTST_general_error);
	assert_int_equal(s[1].status, GNTST_general_error);
	assert_int_equal(s[2].status, GNTST_okay);
	assert_int_equal(hv_fault(host, f.guest, "copy-eagain", 1), 0);
	assert_int_equal(xengnttab_grant_copy(f.back, 3, s), 0);
	assert_int_equal(s[0].status, GNTST_eagain);
	assert_int_equal(s[1].status, GNTST_okay);
	assert_int_equal(hv_fault(host, f.guest, "copy-call", 1), 0);
	assert_int_equal(xengnttab_grant_copy(f.back, 3, s), -1);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(xengnttab_grant_copy(f.back, 3, s), 0);
	fixture_end(&f);
}

/*
 * Strict seccomp kills at any system call but read, write and exit; the thread sanitizer's runtime
 * makes others.
 */
#ifndef __SANITIZE_THREAD__
static int copies_under_seccomp(void *arg)
{
	struct fixture f = fixture_new();
	xenevtchn_handle *front = evtchn_as(f.guest), *back = evtchn_as(0);
	int fport = xenevtchn_bind_unbound_port(front, 0), i, bad = 0;
	int bport = xenevtchn_bind_interdomain(back, f.guest, (evtchn_port_t)fport);
	segment s = from_guest(&f, 0, 0, f.local, 4096);

	(void)arg;
	xengnttab_grant_copy(f.back, 1, &s);
	xenevtchn_notify(back, (evtchn_port_t)bport);
	xenevtchn_notify(front, (evtchn_port_t)fport);
	child_ready(0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	for (i = 0; i < 1000; i++) {
		bad |= xengnttab_grant_copy(f.back, 1, &s) || s.status;
		bad |= xenevtchn_pending(front) != fport;
		bad |= xenevtchn_unmask(front, (evtchn_port_t)fport);
		bad |= xenevtchn_notify(back, (evtchn_port_t)bport);
	}
	syscall(SYS_exit, bad);
	return 1;
}

static void copies_and_events_make_no_other_syscalls(void **state)
{
	int status = child_wait(child_start(copies_under_seccomp, NULL));

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_both_ways),
		cmocka_unit_test(a_segment_that_leaves_its_page_fails_the_call),
		cmocka_unit_test(bad_refs_fail_alone),
		cmocka_unit_test(a_grant_for_another_domain_fails),
		cmocka_unit_test(a_withdrawn_grant_fails),
		cmocka_unit_test(a_destroyed_domain_is_a_bad_domain),
		cmocka_unit_test(both_sides_may_be_foreign),
		cmocka_unit_test(copies_are_counted_as_gntdev_makes_them),
		cmocka_unit_test(copy_faults_hit_that_many_segments),
#ifndef __SANITIZE_THREAD__
		cmocka_unit_test(copies_and_events_make_no_other_syscalls),
#endif
	};

	return cmocka_run_group_tests_name("hv_copy", tests, host_start, host_stop);
}
