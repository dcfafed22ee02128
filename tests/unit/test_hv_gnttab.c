// SPDX-License-Identifier: MIT
/*
 * The embedded Xen's grants behave as through gntdev and gntalloc: all-or-nothing maps, counts
 * and limits, limbo, release notifications.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "tests/unit/hvhost.h"

#define RW (PROT_READ | PROT_WRITE)

static void a_map_shows_the_shared_pages(void **state)
{
	uint32_t guest = guest_new(), refs[3];
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);
	char *mine = xengntshr_share_pages(front, 0, 3, refs, 1), *theirs;

	(void)state;
	assert_non_null(mine);
	strcpy(mine + 4096, "from the guest");
	theirs = xengnttab_map_domain_grant_refs(back, 3, guest, refs, RW);
	assert_non_null(theirs);
	assert_string_equal(theirs + 4096, "from the guest");
	strcpy(theirs + 8192, "from dom0");
	assert_string_equal(mine + 8192, "from dom0");
	assert_int_equal(stats_of(0).maps, 3);
	assert_int_equal(xengnttab_unmap(back, theirs, 3), 0);
	assert_int_equal(stats_of(0).maps, 0);
	xengntshr_close(front);
	xengnttab_close(back);
}

static void a_readonly_grant_is_mapped_for_reading_only(void **state)
{
	uint32_t guest = guest_new(), ref;
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);
	void *page;

	(void)state;
	assert_non_null(xengntshr_share_pages(front, 0, 1, &ref, 0));
	assert_null(xengnttab_map_grant_ref(back, guest, ref, RW));
	assert_int_equal(errno, EINVAL);
	page = xengnttab_map_grant_ref(back, guest, ref, PROT_READ);
	assert_non_null(page);
	xengntshr_close(front);
	xengnttab_close(back);
}

static void one_bad_ref_fails_the_whole_map(void **state)
{
	uint32_t guest = guest_new(), refs[4];
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);

	(void)state;
	assert_non_null(xengntshr_share_pages(front, 0, 3, refs, 1));
	refs[3] = 60000;
	assert_null(xengnttab_map_domain_grant_refs(back, 4, guest, refs, RW));
	assert_int_equal(errno, EINVAL);
	refs[3] = 0xffffffff;
	assert_null(xengnttab_map_domain_grant_refs(back, 4, guest, refs, RW));
	assert_int_equal(errno, EINVAL);
	assert_null(xengnttab_map_grant_ref(back, 31000, refs[0], RW));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(stats_of(0).maps, 0);
	xengntshr_close(front);
	xengnttab_close(back);
}

static void a_grant_is_for_one_domain(void **state)
{
	uint32_t guest = guest_new(), other = guest_new(), ref;
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(other);

	(void)state;
	assert_non_null(xengntshr_share_pages(front, 0, 1, &ref, 1));
	assert_null(xengnttab_map_grant_ref(back, guest, ref, RW));
	assert_int_equal(errno, EINVAL);
	xengntshr_close(front);
	xengnttab_close(back);
}

static void maps_are_limited(void **state)
{
	uint32_t guest = guest_new(), refs[5];
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);
	void *four;

	(void)state;
	assert_non_null(xengntshr_share_pages(front, 0, 5, refs, 1));
	assert_int_equal(xengnttab_set_max_grants(back, 4), 0);
	assert_null(xengnttab_map_domain_grant_refs(back, 5, guest, refs, RW));
	assert_int_equal(errno, ENOMEM);
	four = xengnttab_map_domain_grant_refs(back, 4, guest, refs, RW);
	assert_non_null(four);
	assert_null(xengnttab_map_grant_ref(back, guest, refs[4], RW));
	assert_int_equal(xengnttab_unmap(back, four, 4), 0);
	assert_non_null(xengnttab_map_grant_ref(back, guest, refs[4], RW));
	xengntshr_close(front);
	xengnttab_close(back);
}

static void unmap_takes_exactly_what_was_mapped(void **state)
{
	uint32_t guest = guest_new(), refs[2];
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);
	char *page;

	(void)state;
	assert_non_null(xengntshr_share_pages(front, 0, 2, refs, 1));
	page = xengnttab_map_domain_grant_refs(back, 2, guest, refs, RW);
	assert_non_null(page);
	assert_int_equal(xengnttab_unmap(back, page, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(xengnttab_unmap(back, page + 4096, 1), -1);
	assert_int_equal(xengnttab_unmap(back, page, 2), 0);
	assert_int_equal(xengnttab_unmap(back, page, 2), -1);
	xengntshr_close(front);
	xengnttab_close(back);
}

static void pages_of_several_domains_are_one_range(void **state)
{
	uint32_t domids[2] = {guest_new(), guest_new()}, refs[2];
	xengntshr_handle *a = gntshr_as(domids[0]), *b = gntshr_as(domids[1]);
	xengnttab_handle *back = gnttab_as(0);
	char *pa = xengntshr_share_pages(a, 0, 1, &refs[0], 1);
	char *pb = xengntshr_share_pages(b, 0, 1, &refs[1], 1), *both;

	(void)state;
	strcpy(pa, "first");
	strcpy(pb, "second");
	both = xengnttab_map_grant_refs(back, 2, domids, refs, PROT_READ);
	assert_non_null(both);
	assert_string_equal(both, "first");
	assert_string_equal(both + 4096, "second");
	assert_int_equal(xengnttab_unmap(back, both, 2), 0);
	xengntshr_close(a);
	xengntshr_close(b);
	xengnttab_close(back);
}

/* While it is mapped, a withdrawn page is nobody else's. */
static void a_mapped_grant_can_not_be_revoked(void **state)
{
	uint32_t guest = guest_new(), ref, refs[1000], rest;
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);
	char *mine = xengntshr_share_pages(front, 0, 1, &ref, 1), *theirs, *all;

	(void)state;
	theirs = xengnttab_map_grant_ref(back, guest, ref, RW);
	assert_non_null(theirs);
	strcpy(theirs, "still here");
	assert_int_equal(xengntshr_unshare(front, mine, 1), 0);
	assert_int_equal(stats_of(guest).limbo, 1);
	/* Take all RAM there is; the page is not in it, nor is its ref. */
	for (rest = 1000; rest && !(all = xengntshr_share_pages(front, 0, (int)rest, refs, 1));)
		rest--;
	assert_true(rest > 900);
	memset(all, 0xff, rest * 4096ul);
	while (rest--)
		assert_int_not_equal(refs[rest], ref);
	assert_string_equal(theirs, "still here");
	assert_int_equal(xengnttab_unmap(back, theirs, 1), 0);
	assert_int_equal(stats_of(guest).limbo, 0);
	assert_non_null(xengntshr_share_pages(front, 0, 1, &ref, 1));
	xengntshr_close(front);
	xengnttab_close(back);
}

static void a_withdrawn_grant_can_not_be_mapped(void **state)
{
	uint32_t guest = guest_new(), ref;
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);
	void *mine = xengntshr_share_pages(front, 0, 1, &ref, 1);

	(void)state;
	assert_int_equal(xengntshr_unshare(front, mine, 2), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(xengntshr_unshare(front, mine, 1), 0);
	assert_null(xengnttab_map_grant_ref(back, guest, ref, RW));
	assert_int_equal(errno, EINVAL);
	xengntshr_close(front);
	xengnttab_close(back);
}

static void shared_pages_are_fresh_and_zeroed(void **state)
{
	uint32_t guest = guest_new(), refs[900], i, round;
	xengntshr_handle *front = gntshr_as(guest);
	unsigned char *pages;

	(void)state;
	for (round = 0; round < 3; round++) {
		pages = xengntshr_share_pages(front, 0, 900, refs, 1);
		assert_non_null(pages);
		for (i = 0; i < 900 * 4096; i++)
			assert_int_equal(pages[i], 0);
		memset(pages, 0xa5, 900 * 4096);
		assert_int_equal(xengntshr_unshare(front, pages, 900), 0);
	}
	assert_int_equal(stats_of(guest).grants, 1); /* the store's */
	xengntshr_close(front);
}

static void sharing_more_than_there_is_fails_cleanly(void **state)
{
	uint32_t guest = guest_new(), refs[2000];
	xengntshr_handle *front = gntshr_as(guest);

	(void)state;
	assert_null(xengntshr_share_pages(front, 0, 2000, refs, 1));
	assert_int_equal(errno, ENOMEM);
	assert_null(xengntshr_share_pages(front, 0, 0, refs, 1));
	assert_int_equal(stats_of(guest).grants, 1);
	assert_non_null(xengntshr_share_pages(front, 0, 1000, refs, 1));
	xengntshr_close(front);
}

/* The port must live for the notification even if its handle is closed first. */
static void unmapping_clears_the_byte_and_sends_the_event(void **state)
{
	uint32_t guest = guest_new(), ref;
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);
	xenevtchn_handle *fev = evtchn_as(guest), *bev = evtchn_as(0);
	char *mine = xengntshr_share_pages(front, 0, 1, &ref, 1), *theirs;
	int fport = xenevtchn_bind_unbound_port(fev, 0);
	int bport = xenevtchn_bind_interdomain(bev, guest, (evtchn_port_t)fport);

	(void)state;
	mine[9] = mine[10] = mine[11] = 7;
	theirs = xengnttab_map_grant_ref_notify(back, guest, ref, RW, 10, (evtchn_port_t)bport);
	assert_non_null(theirs);
	xenevtchn_close(bev);
	assert_false(fd_ready(xenevtchn_fd(fev)));
	assert_int_equal(mine[10], 7);
	assert_int_equal(xengnttab_unmap(back, theirs, 1), 0);
	assert_int_equal(mine[9] + mine[10] + mine[11], 14);
	assert_int_equal(mine[10], 0);
	assert_int_equal(xenevtchn_pending(fev), fport);
	/* Now the port is closed and ours is unbound again. */
	bev = evtchn_as(0);
	assert_true(xenevtchn_bind_interdomain(bev, guest, (evtchn_port_t)fport) > 0);
	xengntshr_close(front);
	xengnttab_close(back);
	xenevtchn_close(fev);
	xenevtchn_close(bev);
}

static void unsharing_notifies_too(void **state)
{
	uint32_t guest = guest_new(), ref;
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);
	xenevtchn_handle *fev = evtchn_as(guest), *bev = evtchn_as(0);
	int fport = xenevtchn_bind_unbound_port(fev, 0);
	int bport = xenevtchn_bind_interdomain(bev, guest, (evtchn_port_t)fport);
	char *mine = xengntshr_share_page_notify(front, 0, &ref, 1, 20, (evtchn_port_t)fport);
	char *theirs = xengnttab_map_grant_ref(back, guest, ref, RW);

	(void)state;
	event_drain(bev);
	mine[20] = 1;
	assert_int_equal(xengntshr_unshare(front, mine, 1), 0);
	assert_int_equal(theirs[20], 0);
	assert_int_equal(xenevtchn_pending(bev), bport);
	xengntshr_close(front);
	xengnttab_close(back);
	xenevtchn_close(fev);
	xenevtchn_close(bev);
}

static void a_bad_notification_makes_no_map(void **state)
{
	uint32_t guest = guest_new(), ref;
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);

	(void)state;
	assert_non_null(xengntshr_share_pages(front, 0, 1, &ref, 1));
	assert_null(xengnttab_map_grant_ref_notify(back, guest, ref, RW, 0, 3000));
	assert_int_equal(errno, EINVAL);
	assert_null(
		xengnttab_map_grant_ref_notify(back, guest, ref, PROT_READ, 0, (evtchn_port_t)-1));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(stats_of(0).maps, 0);
	xengntshr_close(front);
	xengnttab_close(back);
}

static void the_store_ring_is_granted_to_dom0(void **state)
{
	uint32_t guest = guest_new();
	xengnttab_handle *back = gnttab_as(0);
	xenforeignmemory_handle *kernel = fmem_as(guest);
	xen_pfn_t gfn = HV_STORE_GFN;
	char *page = xenforeignmemory_map(kernel, guest, RW, 1, &gfn, NULL);
	char *ring = xengnttab_map_grant_ref(back, guest, GNTTAB_RESERVED_XENSTORE, RW);

	(void)state;
	assert_non_null(page);
	assert_non_null(ring);
	strcpy(page, "ring");
	assert_string_equal(ring, "ring");
	xenforeignmemory_unmap(kernel, page, 1);
	xenforeignmemory_close(kernel);
	xengnttab_close(back);
}

static void a_map_fault_fails_that_many(void **state)
{
	uint32_t guest = guest_new(), ref;
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);

	(void)state;
	assert_non_null(xengntshr_share_pages(front, 0, 1, &ref, 1));
	assert_int_equal(hv_fault(host, guest, "map", 1), 0);
	assert_null(xengnttab_map_grant_ref(back, guest, ref, RW));
	assert_int_equal(errno, ENOMEM);
	assert_non_null(xengnttab_map_grant_ref(back, guest, ref, RW));
	xengntshr_close(front);
	xengnttab_close(back);
}

static void maps_are_counted_on_both_sides(void **state)
{
	uint32_t guest = guest_new(), refs[2];
	xengntshr_handle *front = gntshr_as(guest);
	xengnttab_handle *back = gnttab_as(0);
	struct hv_op_stats before = stats_of(0).caller, caller, granter;
	void *page;

	(void)state;
	assert_non_null(xengntshr_share_pages(front, 0, 2, refs, 1));
	page = xengnttab_map_domain_grant_refs(back, 2, guest, refs, RW);
	xengnttab_unmap(back, page, 2);
	page = xengnttab_map_grant_ref(back, guest, refs[0], RW);
	assert_non_null(page);
	xengnttab_close(back);
	caller = stats_of(0).caller;
	granter = stats_of(guest).granter;
	assert_int_equal(caller.map_calls - before.map_calls, 2);
	assert_int_equal(caller.map_ops - before.map_ops, 3);
	assert_int_equal(caller.unmap_calls - before.unmap_calls, 2);
	assert_int_equal(caller.unmap_ops - before.unmap_ops, 3);
	assert_int_equal(granter.map_calls, 2);
	assert_int_equal(granter.map_ops, 3);
	assert_int_equal(granter.unmap_ops, 3);
	xengntshr_close(front);
}

static void dmabuf_calls_fail(void **state)
{
	xengnttab_handle *back = gnttab_as(0);
	uint32_t word = 0;

	(void)state;
	assert_int_equal(xengnttab_dmabuf_exp_from_refs(back, 1, 0, 1, &word, &word), -1);
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(xengnttab_dmabuf_imp_to_refs(back, 1, 0, 1, &word), -1);
	assert_int_equal(xengnttab_dmabuf_exp_wait_released(back, 0, 0), -1);
	assert_int_equal(xengnttab_dmabuf_imp_release(back, 0), -1);
	assert_true(xengnttab_fd(back) >= 0);
	xengnttab_close(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_shows_the_shared_pages),
		cmocka_unit_test(a_readonly_grant_is_mapped_for_reading_only),
		cmocka_unit_test(one_bad_ref_fails_the_whole_map),
		cmocka_unit_test(a_grant_is_for_one_domain),
		cmocka_unit_test(maps_are_limited),
		cmocka_unit_test(unmap_takes_exactly_what_was_mapped),
		cmocka_unit_test(pages_of_several_domains_are_one_range),
		cmocka_unit_test(a_mapped_grant_can_not_be_revoked),
		cmocka_unit_test(a_withdrawn_grant_can_not_be_mapped),
		cmocka_unit_test(shared_pages_are_fresh_and_zeroed),
		cmocka_unit_test(sharing_more_than_there_is_fails_cleanly),
		cmocka_unit_test(unmapping_clears_the_byte_and_sends_the_event),
		cmocka_unit_test(unsharing_notifies_too),
		cmocka_unit_test(a_bad_notification_makes_no_map),
		cmocka_unit_test(the_store_ring_is_granted_to_dom0),
		cmocka_unit_test(a_map_fault_fails_that_many),
		cmocka_unit_test(maps_are_counted_on_both_sides),
		cmocka_unit_test(dmabuf_calls_fail),
	};

	return cmocka_run_group_tests_name("hv_gnttab", tests, host_start, host_stop);
}
