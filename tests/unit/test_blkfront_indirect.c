// SPDX-License-Identifier: MIT
/*
 * The reference blkfront's long requests: what goes out by indirect pages, in both ABIs, what does
 * not, and that each queue is on its own until the device is lost.
 */
#include "tests/unit/fakeback.h"

#include <errno.h>

/* As Linux has it for a 32-bit guest: packed, and padded to 64 bytes. */
struct indirect32 {
	uint8_t operation, indirect_op;
	uint16_t nr_segments;
	uint64_t id;
	uint64_t sector_number;
	uint16_t handle;
	uint16_t pad1;
	uint32_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
	uint64_t pad2;
} __attribute__((packed, aligned(4)));

#define SAME_WITHOUT_GAP(field)                                                                    \
	_Static_assert(offsetof(blkif_request_indirect_t, field) - 4 ==                            \
			       offsetof(struct indirect32, field),                                 \
		       #field)

SAME_WITHOUT_GAP(id);
SAME_WITHOUT_GAP(sector_number);
SAME_WITHOUT_GAP(handle);
SAME_WITHOUT_GAP(indirect_grefs);
_Static_assert(sizeof(blkif_request_indirect_t) == 64 && sizeof(struct indirect32) == 64,
	       "entries");
_Static_assert(offsetof(blkif_request_indirect_t, indirect_grefs) == 28, "entries");
_Static_assert(sizeof(struct blkif_request_segment) == 8, "512 to a page, in both");

static blkif_request_indirect_t seen_indirect(RING_IDX idx)
{
	blkif_request_indirect_t r;
	blkif_request_t any = seen(idx);

	memcpy(&r, &any, sizeof(r));
	assert_int_equal(r.operation, BLKIF_OP_INDIRECT);
	return r;
}

/* What the backend finds on the page of that grant. */
static const struct blkif_request_segment *page_of(grant_ref_t ref)
{
	return q->indirect + (size_t)(ref - 50000) * BLKFRONT_PAGE_SEGMENTS;
}

static void a_long_write_has_its_fields(bool abi32)
{
	const struct blkif_request_segment *seg;
	struct blkfront_req req;
	blkif_request_indirect_t r;

	front_make_long(abi32, 0, PAGES, 0, 32, 1);
	bf->front.devid = 51712;
	req = request(BLKIF_OP_WRITE, 0x123456789a, 97, q->data + 3 * BLKFRONT_PAGE + 1024);
	assert_int_equal(blkfront_submit(q, &req), 0);
	blkfront_push(q);
	assert_int_equal(q->ring.sring->req_prod, 1);
	r = seen_indirect(0);
	assert_int_equal(r.indirect_op, BLKIF_OP_WRITE);
	assert_int_equal(r.nr_segments, 13);
	assert_int_equal(r.handle, 51712);
	assert_true(r.sector_number == 0x123456789a);
	assert_int_equal(r.indirect_grefs[0], 50000);
	for (int i = 1; i < BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST; i++)
		assert_int_equal(r.indirect_grefs[i], 0);
	seg = page_of(r.indirect_grefs[0]);
	for (unsigned int i = 0; i < 13; i++) {
		assert_int_equal(seg[i].gref, 1003 + i);
		assert_int_equal(seg[i].first_sect, i ? 0 : 2);
		assert_int_equal(seg[i].last_sect, i < 12 ? 7 : 2);
	}
	answer(r.id, BLKIF_OP_WRITE, BLKIF_RSP_OKAY); /* the inner operation, as Linux */
	assert_int_equal(blkfront_poll(q), 1);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_err, 0);
	assert_int_equal(blkfront_stats(q)->indirect, 1);
}

static void a_long_write_has_its_fields_in_64(void **state)
{
	(void)state;
	a_long_write_has_its_fields(false);
}

static void a_long_write_has_its_fields_in_32(void **state)
{
	(void)state;
	a_long_write_has_its_fields(true);
}

static void the_answer_must_name_the_inner_operation(void **state)
{
	struct blkfront_req req;

	(void)state;
	front_make_long(false, 0, PAGES, 0, 32, 1);
	req = request(BLKIF_OP_READ, 0, 128, q->data);
	assert_int_equal(blkfront_submit(q, &req), 0);
	blkfront_push(q);
	answer(seen_indirect(0).id, BLKIF_OP_INDIRECT, BLKIF_RSP_OKAY);
	blkfront_poll(q);
	assert_int_equal(blkfront_error(q), -EPROTO);
}

static void eleven_segments_need_no_page(void **state)
{
	struct blkfront_req req[2];

	(void)state;
	front_make_long(false, 0, PAGES, 0, 32, 1);
	req[0] = request(BLKIF_OP_READ, 0, 88, q->data);
	req[1] = request(BLKIF_OP_READ, 0, 88, q->data + 512); /* touches a twelfth page */
	for (int i = 0; i < 2; i++)
		assert_int_equal(blkfront_submit(q, &req[i]), 0);
	blkfront_push(q);
	assert_int_equal(q->ring.sring->req_prod, 2);
	assert_int_equal(seen(0).operation, BLKIF_OP_READ);
	assert_int_equal(seen(0).nr_segments, 11);
	assert_int_equal(seen_indirect(1).nr_segments, 12);
}

static void longer_ones_are_split(void **state)
{
	static const unsigned int want[] = {32, 32, 0};
	uint64_t sector = 8, id[3];
	struct blkfront_req req;

	(void)state;
	front_make_long(false, 0, 80, 0, 32, 1);
	req = request(BLKIF_OP_READ, sector, (32 + 32 + 11) * 8, q->data);
	assert_int_equal(blkfront_submit(q, &req), 0);
	blkfront_push(q);
	assert_int_equal(q->ring.sring->req_prod, 3);
	for (RING_IDX i = 0; i < 2; i++) {
		blkif_request_indirect_t r = seen_indirect(i);

		assert_true(r.sector_number == sector);
		assert_int_equal(r.nr_segments, want[i]);
		assert_int_equal(page_of(r.indirect_grefs[0])[0].gref, 1000 + 32 * i);
		sector += r.nr_segments * 8U;
		id[i] = r.id;
	}
	assert_int_equal(seen(2).nr_segments, 11); /* what is left is an ordinary one */
	assert_true(seen(2).sector_number == sector);
	id[2] = seen(2).id;
	for (RING_IDX i = 0; i < 3; i++) {
		assert_int_equal(done_count, 0);
		answer(id[i], BLKIF_OP_READ, BLKIF_RSP_OKAY);
		blkfront_poll(q);
	}
	assert_int_equal(done_count, 1);
}

static void many_segments_take_several_pages(void **state)
{
	struct blkfront_req req[2];

	(void)state;
	front_make_long(true, 0, 1040, 0, 1030, 1);
	for (int i = 0; i < 2; i++) {
		blkif_request_indirect_t r;

		req[i] = request(BLKIF_OP_READ, 0, 1030 * 8, q->data);
		assert_int_equal(blkfront_submit(q, &req[i]), 0);
		blkfront_push(q);
		r = seen_indirect((RING_IDX)i);
		assert_int_equal(r.nr_segments, 1030);
		for (unsigned int page = 0; page < 3; page++) {
			assert_int_equal(r.indirect_grefs[page],
					 50000 + 3 * (unsigned int)i + page);
			assert_int_equal(page_of(r.indirect_grefs[page])[5].gref,
					 1000 + 512 * page + 5);
		}
		assert_int_equal(r.indirect_grefs[3], 0);
	}
}

/* With other pages than the frontend's own, of which there are fewer than a request may have. */
static void scarce_bounce_pages_make_shorter_ones(void **state)
{
	static char buf[40 * 4096];
	struct blkfront_req req;
	blkif_request_indirect_t r;

	(void)state;
	front_make_long(false, 0, 0, 20, 32, 1);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i / 4096);
	req = request(BLKIF_OP_WRITE, 0, 40 * 8, buf);
	assert_int_equal(blkfront_submit(q, &req), 0);
	blkfront_push(q);
	assert_int_equal(q->ring.sring->req_prod, 1);
	for (RING_IDX i = 0; i < 2; i++) {
		r = seen_indirect(i);
		assert_int_equal(r.nr_segments, 20);
		assert_true(r.sector_number == i * 160U);
		for (unsigned int j = 0; j < 20; j++) {
			grant_ref_t ref = page_of(r.indirect_grefs[0])[j].gref;

			assert_int_equal(q->data[(ref - 1000) * BLKFRONT_PAGE], 20 * i + j);
		}
		answer(r.id, BLKIF_OP_WRITE, BLKIF_RSP_OKAY);
		blkfront_poll(q);
	}
	assert_int_equal(done_count, 1);
	assert_int_equal(q->nr_bounce, 20);
}

static void a_long_read_comes_through_bounce_pages(void **state)
{
	static char buf[20 * 4096];
	struct blkfront_req req;
	blkif_request_indirect_t r;

	(void)state;
	front_make_long(true, 0, 0, 32, 32, 1);
	req = request(BLKIF_OP_READ, 0, 20 * 8, buf);
	assert_int_equal(blkfront_submit(q, &req), 0);
	blkfront_push(q);
	r = seen_indirect(0);
	for (unsigned int i = 0; i < 20; i++)
		memset(q->data + (page_of(r.indirect_grefs[0])[i].gref - 1000) * BLKFRONT_PAGE,
		       'a' + (int)i, BLKFRONT_PAGE);
	answer(r.id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	blkfront_poll(q);
	assert_int_equal(done_count, 1);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(buf[i * 4096 + 4095], 'a' + (int)i);
}

/* A backend that keeps maps of grants keeps few, if the same ones come again and again. */
static void the_page_used_last_is_used_first(void **state)
{
	static char buf[4096];
	struct blkfront_req req;
	grant_ref_t first = 0;

	(void)state;
	front_make(false, 0, 0, 352);
	for (RING_IDX i = 0; i < 100; i++) {
		blkif_request_t r;

		req = request(BLKIF_OP_READ, 0, 8, buf);
		assert_int_equal(blkfront_submit(q, &req), 0);
		blkfront_push(q);
		r = seen(i);
		first = i ? first : r.seg[0].gref;
		assert_int_equal(r.seg[0].gref, first);
		answer(r.id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
		blkfront_poll(q);
	}
}

static void what_one_queue_finds_ends_all(void **state)
{
	struct blkfront_req req[2];
	struct blkfront_queue *other;

	(void)state;
	front_make_long(false, 0, PAGES, 0, 0, 2);
	other = blkfront_queue(bf, 1);
	assert_null(blkfront_queue(bf, 2));
	req[0] = request(BLKIF_OP_READ, 0, 8, q->data);
	req[1] = request(BLKIF_OP_READ, 8, 8, other->data);
	assert_int_equal(blkfront_submit(q, &req[0]), 0);
	assert_int_equal(blkfront_submit(other, &req[1]), 0);
	blkfront_push(q);
	blkfront_push(other);
	assert_int_equal(q->ring.sring->req_prod, 1);
	assert_int_equal(other->ring.sring->req_prod, 1);
	answer(0xffffffff, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	blkfront_poll(q);
	assert_int_equal(done_count, 1);
	assert_int_equal(blkfront_submit(other, &req[1]), -EPROTO);
	blkfront_poll(other); /* its own thread drops what it has */
	assert_int_equal(done_count, 2);
	assert_int_equal(done_err, -EPROTO);
	assert_int_equal(blkfront_error(other), -EPROTO);
}

#define T(name) cmocka_unit_test_teardown(name, front_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_long_write_has_its_fields_in_64),
		T(a_long_write_has_its_fields_in_32),
		T(the_answer_must_name_the_inner_operation),
		T(eleven_segments_need_no_page),
		T(longer_ones_are_split),
		T(many_segments_take_several_pages),
		T(scarce_bounce_pages_make_shorter_ones),
		T(a_long_read_comes_through_bounce_pages),
		T(the_page_used_last_is_used_first),
		T(what_one_queue_finds_ends_all),
	};

	return cmocka_run_group_tests_name("blkfront_indirect", tests, NULL, NULL);
}
