// SPDX-License-Identifier: MIT
/* The embedded Xen's foreign mappings: by frame number, with errors per page, for dom0 only. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "tests/unit/hvhost.h"

#define RW (PROT_READ | PROT_WRITE)

static void dom0_maps_frames_in_any_order(void **state)
{
	uint32_t guest = guest_new();
	xenforeignmemory_handle *kernel = fmem_as(guest), *tool = fmem_as(0);
	xen_pfn_t three[3] = {2, 3, 4}, two[2] = {4, 2};
	char *mine = xenforeignmemory_map(kernel, guest, RW, 3, three, NULL), *theirs;

	(void)state;
	assert_non_null(mine);
	strcpy(mine, "frame 2");
	strcpy(mine + 8192, "frame 4");
	theirs = xenforeignmemory_map(tool, guest, PROT_READ, 2, two, NULL);
	assert_non_null(theirs);
	assert_string_equal(theirs, "frame 4");
	assert_string_equal(theirs + 4096, "frame 2");
	assert_int_equal(xenforeignmemory_unmap(tool, theirs, 2), 0);
	assert_int_equal(stats_of(0).caller.foreign_maps, 2);
	xenforeignmemory_close(kernel);
	xenforeignmemory_close(tool);
}

static void errors_are_per_page(void **state)
{
	uint32_t guest = guest_new();
	xenforeignmemory_handle *tool = fmem_as(0);
	xen_pfn_t gfns[3] = {2, 1u << 20, 3};
	int err[3] = {9, 9, 9};
	char *page = xenforeignmemory_map(tool, guest, RW, 3, gfns, err);

	(void)state;
	assert_non_null(page);
	assert_int_equal(err[0], 0);
	assert_int_equal(err[1], EINVAL);
	assert_int_equal(err[2], 0);
	page[8192] = 1;
	xenforeignmemory_unmap(tool, page, 3);
	assert_null(xenforeignmemory_map(tool, guest, RW, 3, gfns, NULL));
	assert_int_equal(errno, EINVAL);
	assert_null(xenforeignmemory_map(tool, 31000, RW, 1, gfns, NULL));
	assert_int_equal(errno, ESRCH);
	xenforeignmemory_close(tool);
}

static void a_guest_maps_no_other_domain(void **state)
{
	uint32_t guest = guest_new();
	xenforeignmemory_handle *kernel = fmem_as(guest);
	xen_pfn_t gfn = 2;

	(void)state;
	assert_null(xenforeignmemory_map(kernel, 0, RW, 1, &gfn, NULL));
	assert_int_equal(errno, EPERM);
	xenforeignmemory_close(kernel);
}

static void a_restricted_handle_maps_one_domain(void **state)
{
	uint32_t guest = guest_new(), other = guest_new();
	xenforeignmemory_handle *tool = fmem_as(0);
	xen_pfn_t gfn = 2;

	(void)state;
	assert_int_equal(xenforeignmemory_restrict(tool, (domid_t)guest), 0);
	assert_null(xenforeignmemory_map(tool, other, RW, 1, &gfn, NULL));
	assert_int_equal(errno, EACCES);
	assert_int_equal(xenforeignmemory_restrict(tool, (domid_t)other), -1);
	assert_non_null(xenforeignmemory_map(tool, guest, RW, 1, &gfn, NULL));
	xenforeignmemory_close(tool);
}

static void resources_are_not_supported(void **state)
{
	xenforeignmemory_handle *tool = fmem_as(0);
	void *addr = NULL;
	size_t size;

	(void)state;
	assert_null(xenforeignmemory_map_resource(tool, 0, 0, 0, 0, 1, &addr, RW, 0));
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(xenforeignmemory_resource_size(tool, 0, 0, 0, &size), -1);
	xenforeignmemory_close(tool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dom0_maps_frames_in_any_order),
		cmocka_unit_test(errors_are_per_page),
		cmocka_unit_test(a_guest_maps_no_other_domain),
		cmocka_unit_test(a_restricted_handle_maps_one_domain),
		cmocka_unit_test(resources_are_not_supported),
	};

	return cmocka_run_group_tests_name("hv_foreign", tests, host_start, host_stop);
}
