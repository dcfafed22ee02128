// SPDX-License-Identifier: MIT
/*
 * Indirect requests: what their slot may say, and then what their list of segments may.  The list
 * is checked in the request's private copy, as STEP_SEGMENTS leaves it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "blkback/request.h"

#define SECTORS 4096u

static struct disk_spec disk;
static struct request request;
static struct slot slot;
static struct slot_segment segments[SLOT_INDIRECT_SEGMENTS];
static const char *why;

static int reset(void **state)
{
	(void)state;
	disk = (struct disk_spec){.sectors = SECTORS};
	memset(&request, 0x5a, sizeof(request));
	request.buffer = (struct buffer){.segments = segments};
	slot = (struct slot){
		.operation = BLKIF_OP_INDIRECT,
		.id = 77,
		.sector_number = 8,
		.indirect_op = BLKIF_OP_READ,
		.indirect_segments = 32,
		.indirect_ref = 5,
	};
	for (uint32_t i = 0; i < SLOT_INDIRECT_SEGMENTS; i++)
		segments[i] = (struct slot_segment){.ref = 100 + i, .last_sect = 7};
	why = NULL;
	return 0;
}

static int parse(void)
{
	return request_parse(&request, &slot, &disk, &why);
}

static int parse_list(void)
{
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	return request_parse_indirect(&request, &disk, &why);
}

static void its_list_comes_first(void **state)
{
	(void)state;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_int_equal(request.steps, STEP_SEGMENTS);
	assert_int_equal(request.segments_ref, 5);
	assert_int_equal(request.segment_count, 32);
	assert_int_equal(request.operation, BLKIF_OP_READ);
	assert_true(request.id == 77);
}

static void it_then_is_the_read_or_write_that_it_stands_for(void **state)
{
	(void)state;
	assert_int_equal(parse_list(), BLKIF_RSP_OKAY);
	assert_int_equal(request.steps, STEP_DATA | STEP_COPY_OUT);
	assert_int_equal(request.io.offset, 8 * 512);
	assert_int_equal(request.io.bytes, 32 * 4096);
	slot.indirect_op = BLKIF_OP_WRITE;
	assert_int_equal(parse_list(), BLKIF_RSP_OKAY);
	assert_int_equal(request.steps, STEP_COPY_IN | STEP_DATA);
}

static void it_stands_for_nothing_else(void **state)
{
	(void)state;
	for (int op = 0; op < 256; op++) {
		slot.indirect_op = (uint8_t)op;
		if (op == BLKIF_OP_READ || op == BLKIF_OP_WRITE)
			continue;
		why = NULL;
		assert_int_equal(parse(), BLKIF_RSP_ERROR);
		assert_non_null(why);
	}
}

static void its_count_is_bounded(void **state)
{
	(void)state;
	for (int n = 0; n <= UINT16_MAX; n++) {
		slot.indirect_segments = (uint16_t)n;
		assert_int_equal(parse(), n >= 1 && n <= SLOT_INDIRECT_SEGMENTS ? BLKIF_RSP_OKAY
										: BLKIF_RSP_ERROR);
	}
}

static void a_read_only_disk_is_not_written(void **state)
{
	(void)state;
	disk.read_only = 1;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	slot.indirect_op = BLKIF_OP_WRITE;
	assert_int_equal(parse(), BLKIF_RSP_ERROR);
}

static void each_segment_must_lie_in_its_page(void **state)
{
	(void)state;
	for (int i = 0; i < 32; i++) {
		segments[i].last_sect = 8;
		assert_int_equal(parse_list(), BLKIF_RSP_ERROR);
		segments[i].last_sect = 2;
		segments[i].first_sect = 3;
		assert_int_equal(parse_list(), BLKIF_RSP_ERROR);
		segments[i].first_sect = 0;
	}
	segments[32].last_sect = 255; /* not part of it */
	assert_int_equal(parse_list(), BLKIF_RSP_OKAY);
}

static void the_end_of_the_disk_is_exact(void **state)
{
	(void)state;
	slot.sector_number = SECTORS - 32 * 8;
	assert_int_equal(parse_list(), BLKIF_RSP_OKAY);
	slot.sector_number++;
	assert_int_equal(parse_list(), BLKIF_RSP_ERROR);
	slot.sector_number = UINT64_MAX - 7; /* as bytes it would be 0 */
	assert_int_equal(parse_list(), BLKIF_RSP_ERROR);
}

#define TEST(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(its_list_comes_first),
		TEST(it_then_is_the_read_or_write_that_it_stands_for),
		TEST(it_stands_for_nothing_else),
		TEST(its_count_is_bounded),
		TEST(a_read_only_disk_is_not_written),
		TEST(each_segment_must_lie_in_its_page),
		TEST(the_end_of_the_disk_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
