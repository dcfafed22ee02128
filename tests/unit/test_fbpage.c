// SPDX-License-Identifier: MIT
/* The shared page of a screen: its head, its directory in both layouts, its events. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <xen/xen.h>
#include <xen/io/fbif.h>

#include "pvfb/fbpage.h"

static union {
	struct xenfb_page page;
	uint32_t word[FB_PAGE / 4];
} shared;

static void __guest *page(void)
{
	return guest_mark(&shared);
}

static int clear(void **state)
{
	(void)state;
	memset(&shared, 0, sizeof(shared));
	return 0;
}

static void the_head_is_read(void **state)
{
	struct fb_head head;

	(void)state;
	shared.page.width = 800;
	shared.page.height = 600;
	shared.page.line_length = 3200;
	shared.page.mem_length = 2 << 20;
	shared.page.depth = 32;
	fbpage_head(&head, page());
	assert_int_equal(head.claim.width, 800);
	assert_int_equal(head.claim.height, 600);
	assert_int_equal(head.claim.stride, 3200);
	assert_int_equal(head.claim.depth, 32);
	assert_int_equal(head.claim.offset, 0);
	assert_int_equal(head.bytes, 2 << 20);
}

static void both_layouts_of_the_directory(void **state)
{
	(void)state;
	shared.word[9] = 0x12345;
	shared.word[10] = 0x11111111;
	shared.word[11] = 0x2;
	assert_int_equal(fbpage_dir(page(), FB_ABI_32, 0), 0x12345);
	assert_int_equal(fbpage_dir(page(), FB_ABI_32, 1), 0x11111111);
	assert_int_equal(fbpage_dir(page(), FB_ABI_64, 0), 0x211111111ull);
	assert_int_equal(fbpage_frame(page(), FB_ABI_64, 5), 0x211111111ull);
	assert_int_equal(fbpage_frame(page(), FB_ABI_32, 9), 0x12345);
	assert_int_equal(fbpage_abi(page()), FB_ABI_64);
	shared.word[10] = 0;
	assert_int_equal(fbpage_abi(page()), FB_ABI_32);
}

static void the_directory_ends_before_the_rings(void **state)
{
	struct fb_directory dir;

	(void)state;
	assert_int_equal(fbpage_directory(&dir, FB_ABI_64, 1), 0);
	assert_int_equal(dir.pages, 1);
	assert_int_equal(dir.dirs, 1);
	assert_int_equal(fbpage_directory(&dir, FB_ABI_64, (2 << 20) + 1), 0);
	assert_int_equal(dir.dirs, 2);
	assert_int_equal(fbpage_directory(&dir, FB_ABI_64, 123u << 21), 0);
	assert_int_equal(dir.dirs, 123);
	assert_int_equal(dir.pages, 123 * 512);
	assert_int_equal(fbpage_directory(&dir, FB_ABI_64, (123u << 21) + 1), -EFBIG);
	assert_int_equal(fbpage_directory(&dir, FB_ABI_32, 247u << 22), 0);
	assert_int_equal(dir.dirs, 247);
	assert_int_equal(fbpage_directory(&dir, FB_ABI_32, (247u << 22) + 1), -EFBIG);
	assert_int_equal(fbpage_directory(&dir, FB_ABI_64, UINT32_MAX), -EFBIG);
	assert_int_equal(fbpage_directory(&dir, FB_ABI_64, 0), -EINVAL);
}

static void events_are_taken_in_order(void **state)
{
	union xenfb_out_event *ring = (void *)((char *)&shared + XENFB_OUT_RING_OFFS);
	struct fb_event event;

	(void)state;
	ring[50].update = (struct xenfb_update){XENFB_TYPE_UPDATE, 1, -2, 3, INT32_MAX};
	ring[0].resize = (struct xenfb_resize){XENFB_TYPE_RESIZE, 640, 480, 2560, 32, 4096};
	ring[1].type = 77;
	shared.page.out_cons = 50;
	shared.page.out_prod = 53;
	assert_int_equal(fbpage_cons(page()), 50);
	assert_int_equal(fbpage_pending(page(), 50), 3);
	fbpage_take(&event, page(), 50);
	assert_int_equal(event.type, FB_EVENT_UPDATE);
	assert_int_equal(event.update[1], -2);
	assert_int_equal(event.update[3], INT32_MAX);
	fbpage_take(&event, page(), 51);
	assert_int_equal(event.type, FB_EVENT_RESIZE);
	assert_int_equal(event.resize.width, 640);
	assert_int_equal(event.resize.depth, 32);
	assert_int_equal(event.resize.offset, 4096);
	fbpage_take(&event, page(), 52);
	assert_int_equal(event.type, FB_EVENT_UNKNOWN);
	assert_false(fbpage_retire(page(), 53, 51));
	assert_int_equal(shared.page.out_cons, 53);
	assert_int_equal(fbpage_pending(page(), 53), 0);
}

/* Who found no room waits for a notification; who had room is not woken. */
static void a_full_ring_is_told_of_its_room(void **state)
{
	(void)state;
	shared.page.out_prod = 10 + FB_OUT_SLOTS;
	assert_true(fbpage_retire(page(), 10 + FB_OUT_SLOTS, 10));
	shared.page.out_prod = 11;
	assert_false(fbpage_retire(page(), 11, 10));
	/* It was filled while we worked on the first event. */
	shared.page.out_prod = 10 + FB_OUT_SLOTS;
	assert_true(fbpage_retire(page(), 11, 10));
	shared.page.out_prod = 2;
	assert_false(fbpage_retire(page(), 2, UINT32_MAX));
}

static void indices_wrap_and_lie(void **state)
{
	(void)state;
	shared.page.out_prod = 2;
	assert_int_equal(fbpage_pending(page(), UINT32_MAX - 1), 4);
	shared.page.out_prod = 0;
	assert_true(fbpage_pending(page(), 1) > FB_OUT_SLOTS);
	shared.page.out_prod = 1u << 31;
	assert_true(fbpage_pending(page(), 0) > FB_OUT_SLOTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_head_is_read, clear),
		cmocka_unit_test_setup(both_layouts_of_the_directory, clear),
		cmocka_unit_test(the_directory_ends_before_the_rings),
		cmocka_unit_test_setup(events_are_taken_in_order, clear),
		cmocka_unit_test_setup(a_full_ring_is_told_of_its_room, clear),
		cmocka_unit_test_setup(indices_wrap_and_lie, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
