// SPDX-License-Identifier: MIT
/*
 * What a request may ask for.  Each rule has its test; then a million random slots on random disks
 * show that whatever passes lies within the disk and within the request's own pages.
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

#define SECTORS 1000u

static struct disk_spec disk;
static struct request request;
static struct slot slot;
static char pages[SLOT_INDIRECT_SEGMENTS * BUFFER_PAGE];
static struct slot_segment segments[SLOT_INDIRECT_SEGMENTS];
static struct iovec iov[SLOT_INDIRECT_SEGMENTS];
static const char *why;

static int reset(void **state)
{
	(void)state;
	disk = (struct disk_spec){.discard = 1, .sectors = SECTORS};
	memset(&request, 0x5a, sizeof(request));
	request.buffer = (struct buffer){.data = pages, .segments = segments, .iov = iov};
	slot = (struct slot){.operation = BLKIF_OP_READ, .nr_segments = 1, .id = 77};
	for (uint32_t i = 0; i < SLOT_SEGMENTS; i++)
		slot.segments[i] = (struct slot_segment){100 + i, 0, 7, 0};
	why = NULL;
	return 0;
}

static int parse(void)
{
	return request_parse(&request, &slot, &disk, &why);
}

static void refused(int status)
{
	why = NULL;
	assert_int_equal(parse(), status);
	assert_non_null(why);
	assert_true(request.id == 77); /* an answer needs it */
	assert_int_equal(request.operation, slot.operation);
}

static void a_read_reads_then_copies_out(void **state)
{
	(void)state;
	slot.sector_number = 8;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_int_equal(request.steps, STEP_DATA | STEP_COPY_OUT);
	assert_int_equal(request.io.offset, 8 * 512);
	assert_int_equal(request.io.bytes, 4096);
	assert_int_equal(request.segment_count, 1);
	assert_int_equal(request.error, 0);
	assert_false(request.alone);
}

static void a_write_copies_in_then_writes(void **state)
{
	(void)state;
	slot.operation = BLKIF_OP_WRITE;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_int_equal(request.steps, STEP_COPY_IN | STEP_DATA);
}

static void a_barrier_flushes_on_both_sides_and_is_alone(void **state)
{
	(void)state;
	slot.operation = BLKIF_OP_WRITE_BARRIER;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_int_equal(request.steps,
			 STEP_COPY_IN | STEP_FLUSH_BEFORE | STEP_DATA | STEP_FLUSH_AFTER);
	assert_true(request.alone);
	slot.nr_segments = 0;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_int_equal(request.steps, STEP_FLUSH_BEFORE);
	assert_true(request.alone);
}

static void a_flush_may_carry_a_write(void **state)
{
	(void)state;
	slot.operation = BLKIF_OP_FLUSH_DISKCACHE;
	slot.nr_segments = 0;
	slot.sector_number = UINT64_MAX; /* not looked at without segments */
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_int_equal(request.steps, STEP_FLUSH_BEFORE);
	slot.nr_segments = 2;
	refused(BLKIF_RSP_ERROR);
	slot.sector_number = 0;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_int_equal(request.steps, STEP_COPY_IN | STEP_FLUSH_BEFORE | STEP_DATA);
}

static void operations_we_have_not_are_unsupported(void **state)
{
	(void)state;
	for (int op = 0; op < 256; op++) {
		slot.operation = (uint8_t)op;
		if (op == BLKIF_OP_RESERVED_1 || op > BLKIF_OP_INDIRECT)
			refused(BLKIF_RSP_EOPNOTSUPP);
		else if (op != BLKIF_OP_DISCARD && op != BLKIF_OP_INDIRECT)
			assert_int_equal(parse(), BLKIF_RSP_OKAY);
	}
}

static void segment_counts_are_bounded(void **state)
{
	(void)state;
	for (int n = 0; n < 256; n++) {
		slot.nr_segments = (uint8_t)n;
		if (n == 0 || n > 11)
			refused(BLKIF_RSP_ERROR);
		else
			assert_int_equal(parse(), BLKIF_RSP_OKAY);
	}
}

static void each_segment_must_lie_in_its_page(void **state)
{
	(void)state;
	slot.nr_segments = SLOT_SEGMENTS;
	for (int i = 0; i < SLOT_SEGMENTS; i++)
		for (int first = 0; first < 256; first++)
			for (int last = 0; last < 256; last++) {
				slot.segments[i].first_sect = (uint8_t)first;
				slot.segments[i].last_sect = (uint8_t)last;
				if (first <= last && last <= 7)
					assert_int_equal(parse(), BLKIF_RSP_OKAY);
				else
					assert_int_equal(parse(), BLKIF_RSP_ERROR);
				slot.segments[i] = (struct slot_segment){1, 0, 7, 0};
			}
}

static void unused_segments_do_not_matter(void **state)
{
	(void)state;
	slot.segments[1] = (struct slot_segment){0, 255, 3, 0};
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
}

static void sectors_count_in_512_bytes(void **state)
{
	(void)state;
	slot.nr_segments = 3;
	slot.segments[0] = (struct slot_segment){1, 7, 7, 0};
	slot.segments[1] = (struct slot_segment){2, 0, 7, 0};
	slot.segments[2] = (struct slot_segment){3, 2, 4, 0};
	disk.physical_sector = 4096;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_int_equal(request.io.bytes, (1 + 8 + 3) * 512);
}

static void the_end_of_the_disk_is_exact(void **state)
{
	(void)state;
	slot.sector_number = SECTORS - 8;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	slot.sector_number = SECTORS - 7;
	refused(BLKIF_RSP_ERROR);
	slot.segments[0].last_sect = 6;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	slot.segments[0].last_sect = 0;
	slot.sector_number = SECTORS - 1;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	slot.sector_number = SECTORS;
	refused(BLKIF_RSP_ERROR);
}

static void nothing_wraps_around(void **state)
{
	static const uint64_t sectors[] = {
		UINT64_MAX,	UINT64_MAX - 1,	  UINT64_MAX - 7,
		UINT64_MAX - 8, UINT64_MAX / 512, UINT64_MAX / 512 + 1,
		1ull << 55,	1ull << 63,	  (1ull << 55) - 8,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sectors) / sizeof(sectors[0]); i++) {
		slot.sector_number = sectors[i];
		refused(BLKIF_RSP_ERROR);
		slot.operation = BLKIF_OP_DISCARD;
		slot.nr_sectors = UINT64_MAX - sectors[i] + 1; /* sum: 0 */
		refused(BLKIF_RSP_ERROR);
		slot.nr_sectors = UINT64_MAX - sectors[i] + 9;
		refused(BLKIF_RSP_ERROR);
		slot.operation = BLKIF_OP_READ;
	}
}

static void a_disk_smaller_than_a_request_takes_none(void **state)
{
	(void)state;
	disk.sectors = 7;
	refused(BLKIF_RSP_ERROR);
	slot.segments[0].last_sect = 6;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
}

static void a_discard_lies_within_the_disk(void **state)
{
	(void)state;
	slot.operation = BLKIF_OP_DISCARD;
	slot.nr_segments = 0; /* its flag */
	slot.sector_number = 10;
	slot.nr_sectors = SECTORS - 10;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_int_equal(request.steps, STEP_DATA);
	assert_int_equal(request.io.offset, 10 * 512);
	assert_int_equal(request.io.bytes, (SECTORS - 10) * 512);
	slot.nr_sectors++;
	refused(BLKIF_RSP_ERROR);
	slot.nr_sectors = UINT64_MAX;
	refused(BLKIF_RSP_ERROR);
}

static void a_discard_of_nothing_does_nothing(void **state)
{
	(void)state;
	slot.operation = BLKIF_OP_DISCARD;
	slot.nr_sectors = 0;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_int_equal(request.steps, 0);
}

static void a_discards_flag_is_no_count(void **state)
{
	(void)state;
	slot.operation = BLKIF_OP_DISCARD;
	slot.nr_sectors = 8;
	slot.nr_segments = 255;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_int_equal(request.segment_count, 0);
}

static void a_discard_is_cut_to_what_the_store_can(void **state)
{
	static const struct {
		uint64_t first, count, offset, bytes;
	} cuts[] = {
		{8, 16, 8, 16}, {7, 17, 8, 16}, {8, 23, 8, 16},
		{1, 14, 8, 0},	{1, 15, 8, 8},	{9, 3, 16, 0},
	};

	(void)state;
	disk.discard_unit = 4096;
	slot.operation = BLKIF_OP_DISCARD;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		slot.sector_number = cuts[i].first;
		slot.nr_sectors = cuts[i].count;
		assert_int_equal(parse(), BLKIF_RSP_OKAY);
		assert_int_equal(request.io.offset, cuts[i].offset * 512);
		assert_int_equal(request.io.bytes, cuts[i].bytes * 512);
		assert_int_equal(request.steps, cuts[i].bytes ? STEP_DATA : 0);
	}
}

static void a_discard_is_secure_only_where_that_was_offered(void **state)
{
	(void)state;
	slot.operation = BLKIF_OP_DISCARD;
	slot.nr_segments = BLKIF_DISCARD_SECURE;
	slot.nr_sectors = 8;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_false(request.io.secure);
	disk.discard_secure = 1;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_true(request.io.secure);
	slot.nr_segments = 0;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	assert_false(request.io.secure);
}

static void a_secure_discard_is_never_cut(void **state)
{
	(void)state;
	disk.discard_secure = 1;
	disk.discard_unit = 4096;
	slot.operation = BLKIF_OP_DISCARD;
	slot.nr_segments = BLKIF_DISCARD_SECURE;
	slot.sector_number = 8;
	slot.nr_sectors = 8;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	slot.nr_sectors = 7;
	refused(BLKIF_RSP_ERROR);
	slot.sector_number = 9;
	refused(BLKIF_RSP_ERROR);
}

static void no_discard_without_a_store_that_can(void **state)
{
	(void)state;
	disk.discard = 0;
	slot.operation = BLKIF_OP_DISCARD;
	slot.nr_sectors = 8;
	refused(BLKIF_RSP_EOPNOTSUPP);
}

/* CVE-2013-2140: a discard writes, too; and so does a flush that carries data. */
static void a_read_only_disk_is_never_written(void **state)
{
	(void)state;
	disk.read_only = 1;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	slot.nr_sectors = 8;
	for (int op = 0; op < 256; op++)
		for (int n = 0; n <= 11; n++) {
			slot.operation = (uint8_t)op;
			slot.nr_segments = (uint8_t)n;
			if (parse() != BLKIF_RSP_OKAY)
				continue;
			assert_false(request.steps & STEP_COPY_IN);
			if (op == BLKIF_OP_FLUSH_DISKCACHE)
				assert_false(request.steps & STEP_DATA);
			else
				assert_int_equal(op, BLKIF_OP_READ);
		}
}

/* ---- pieces ----------------------------------------------------------------------------- */

static void neighbours_become_one_piece(void **state)
{
	(void)state;
	slot.nr_segments = SLOT_SEGMENTS;
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	request_prepare_io(&request, DISK_READ, NULL);
	assert_int_equal(request.io.iov_count, 1);
	assert_ptr_equal(request.io.iov[0].iov_base, pages);
	assert_int_equal(request.io.iov[0].iov_len, 11 * 4096);
}

static void gaps_part_the_pieces(void **state)
{
	(void)state;
	slot.nr_segments = 3;
	slot.segments[1] = (struct slot_segment){2, 1, 7, 0};
	assert_int_equal(parse(), BLKIF_RSP_OKAY);
	request_prepare_io(&request, DISK_WRITE, NULL);
	assert_int_equal(request.io.iov_count, 2);
	assert_int_equal(request.io.iov[0].iov_len, 4096);
	assert_ptr_equal(request.io.iov[1].iov_base, pages + 4096 + 512);
	assert_int_equal(request.io.iov[1].iov_len, 7 * 512 + 4096);
}

/* ---- anything at all -------------------------------------------------------------------- */

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint64_t any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Near an edge more often than not. */
static uint64_t any_sector(void)
{
	static const uint64_t edges[] = {0, SECTORS, 1ull << 32, 1ull << 55, 1ull << 63};
	uint64_t n = any();

	switch (n & 7) {
	case 0:
		return any();
	case 1:
	case 2:
		return edges[(n >> 8) % 5] + (n >> 16) % 32 - 16;
	default:
		return (n >> 8) % SECTORS;
	}
}

static void any_slot(void)
{
	slot.operation = (uint8_t)(any() & 3 ? any() % 7 : any());
	slot.nr_segments = (uint8_t)(any() & 15 ? any() % 14 : any());
	slot.sector_number = any_sector();
	slot.nr_sectors = any_sector();
	for (int i = 0; i < SLOT_SEGMENTS; i++) {
		slot.segments[i].ref = (uint32_t)any();
		slot.segments[i].first_sect = (uint8_t)(any() % (any() & 63 ? 8 : 256));
		slot.segments[i].last_sect = (uint8_t)(any() % (any() & 63 ? 8 : 256));
		if (any() & 63 && slot.segments[i].first_sect > slot.segments[i].last_sect)
			slot.segments[i].last_sect = 7;
	}
	disk.sectors = any() & 1 ? SECTORS : any() % (INT64_MAX / 512);
	disk.read_only = any() & 1;
	disk.discard = any() & 1;
}

static void pieces_are_in_the_pages(void)
{
	uint64_t sum = 0;

	request_prepare_io(&request, DISK_READ, NULL);
	assert_in_range(request.io.iov_count, 1, SLOT_SEGMENTS);
	for (int i = 0; i < request.io.iov_count; i++) {
		const struct iovec *v = &request.io.iov[i];
		size_t from = (size_t)((char *)v->iov_base - pages);

		assert_true(from < sizeof(pages) && v->iov_len > 0);
		assert_true(v->iov_len <= sizeof(pages) - from);
		sum += v->iov_len;
	}
	assert_true(sum == request.io.bytes);
}

static void whatever_passes_is_within_bounds(void **state)
{
	uint32_t passed = 0;

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		any_slot();
		if (parse() != BLKIF_RSP_OKAY)
			continue;
		passed++;
		if (!(request.steps & STEP_DATA))
			continue;
		assert_true(request.io.bytes % 512 == 0 && request.io.offset % 512 == 0);
		assert_true(request.io.bytes / 512 <= disk.sectors);
		assert_true(request.io.offset / 512 <= disk.sectors - request.io.bytes / 512);
		if (slot.operation != BLKIF_OP_DISCARD)
			pieces_are_in_the_pages();
	}
	assert_in_range(passed, 50000, 950000); /* the test tests both */
}

#define TEST(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_read_reads_then_copies_out),
		TEST(a_write_copies_in_then_writes),
		TEST(a_barrier_flushes_on_both_sides_and_is_alone),
		TEST(a_flush_may_carry_a_write),
		TEST(operations_we_have_not_are_unsupported),
		TEST(segment_counts_are_bounded),
		TEST(each_segment_must_lie_in_its_page),
		TEST(unused_segments_do_not_matter),
		TEST(sectors_count_in_512_bytes),
		TEST(the_end_of_the_disk_is_exact),
		TEST(nothing_wraps_around),
		TEST(a_disk_smaller_than_a_request_takes_none),
		TEST(a_discard_lies_within_the_disk),
		TEST(a_discard_of_nothing_does_nothing),
		TEST(a_discards_flag_is_no_count),
		TEST(a_discard_is_cut_to_what_the_store_can),
		TEST(a_discard_is_secure_only_where_that_was_offered),
		TEST(a_secure_discard_is_never_cut),
		TEST(no_discard_without_a_store_that_can),
		TEST(a_read_only_disk_is_never_written),
		TEST(neighbours_become_one_piece),
		TEST(gaps_part_the_pieces),
		TEST(whatever_passes_is_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
