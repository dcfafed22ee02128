// SPDX-License-Identifier: MIT
/*
 * The reference blkfront's ring, with this test as the backend, in plain memory: where the fields
 * of both ABIs stand, how long requests are split, and which answers are not believed.
 */
#include <errno.h>

#include "tests/unit/fakeback.h"

/* The 32-bit layouts as an i386 compiler lays them out: 64-bit fields aligned to 4. */
struct seg32 {
	uint32_t gref;
	uint8_t first_sect, last_sect;
} __attribute__((aligned(4)));

struct request32 {
	uint8_t operation, nr_segments;
	uint16_t handle;
	uint64_t id;
	uint64_t sector_number;
	struct seg32 seg[BLKFRONT_SEGMENTS];
} __attribute__((packed, aligned(4)));

struct discard32 {
	uint8_t operation, flag;
	uint16_t handle;
	uint64_t id;
	uint64_t sector_number;
	uint64_t nr_sectors;
} __attribute__((packed, aligned(4)));

#define SAME_WITHOUT_GAP(type, type32, field)                                                      \
	_Static_assert(offsetof(type, field) - 4 == offsetof(struct type32, field), #field)

SAME_WITHOUT_GAP(blkif_request_t, request32, id);
SAME_WITHOUT_GAP(blkif_request_t, request32, sector_number);
SAME_WITHOUT_GAP(blkif_request_t, request32, seg);
SAME_WITHOUT_GAP(blkif_request_discard_t, discard32, id);
SAME_WITHOUT_GAP(blkif_request_discard_t, discard32, sector_number);
SAME_WITHOUT_GAP(blkif_request_discard_t, discard32, nr_sectors);
_Static_assert(sizeof(blkif_request_t) == 112 && sizeof(struct request32) == 108, "entries");
_Static_assert(sizeof(union blkif_sring_entry) == 112, "the native entry is the 64-bit one");
_Static_assert(offsetof(blkif_response_t, operation) == 8, "responses begin alike");
_Static_assert(offsetof(blkif_response_t, status) == 10, "responses begin alike");
_Static_assert(offsetof(struct blkif_sring, ring) == 64, "entries start at 64");

static void rings_have_32_entries_a_page(void **state)
{
	(void)state;
	for (unsigned int order = 0; order <= BLKFRONT_MAX_ORDER; order++) {
		for (int abi32 = 0; abi32 < 2; abi32++) {
			front_make(abi32, order, 1, 0);
			assert_int_equal(blkfront_entries(q), 32U << order);
			front_free(NULL);
		}
	}
	front_make(false, 0, 1, 0);
}

static void a_read_has_its_fields(bool abi32)
{
	struct blkfront_req req;
	blkif_request_t r;

	front_make(abi32, 0, PAGES, 0);
	bf->front.devid = 51712;
	req = request(BLKIF_OP_READ, 0x123456789a, 19, q->data + 3 * BLKFRONT_PAGE + 1024);
	assert_int_equal(blkfront_submit(q, &req), 0);
	assert_int_equal(q->ring.sring->req_prod, 0);
	blkfront_push(q);
	assert_int_equal(q->ring.sring->req_prod, 1);
	r = seen(0);
	assert_int_equal(r.operation, BLKIF_OP_READ);
	assert_int_equal(r.handle, 51712);
	assert_true(r.sector_number == 0x123456789a);
	assert_int_equal(r.nr_segments, 3);
	assert_int_equal(r.seg[0].gref, 1003);
	assert_int_equal(r.seg[0].first_sect, 2);
	assert_int_equal(r.seg[0].last_sect, 7);
	assert_int_equal(r.seg[1].gref, 1004);
	assert_int_equal(r.seg[1].first_sect, 0);
	assert_int_equal(r.seg[1].last_sect, 7);
	assert_int_equal(r.seg[2].last_sect, 4);
	answer(r.id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	assert_int_equal(blkfront_poll(q), 1);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_err, 0);
}

static void a_read_has_its_fields_in_64(void **state)
{
	(void)state;
	a_read_has_its_fields(false);
}

static void a_read_has_its_fields_in_32(void **state)
{
	(void)state;
	a_read_has_its_fields(true);
}

static void a_discard_has_its_fields_in_32(void **state)
{
	struct blkfront_req req;
	struct discard32 d;

	(void)state;
	front_make(true, 0, 1, 0);
	req = request(BLKIF_OP_DISCARD, 77, 1ULL << 40, NULL);
	assert_int_equal(blkfront_submit(q, &req), 0);
	memcpy(&d, blkfront_entry(q, 0), sizeof(d));
	assert_int_equal(d.operation, BLKIF_OP_DISCARD);
	assert_int_equal(d.flag, 0);
	assert_int_equal(d.sector_number, 77);
	assert_true(d.nr_sectors == 1ULL << 40);
}

static void long_requests_are_split(void **state)
{
	struct blkfront_req req;
	uint64_t sector = 100, id[3];

	(void)state;
	front_make(false, 0, PAGES, 0);
	req = request(BLKIF_OP_WRITE, sector, 256, q->data); /* 128 KiB */
	assert_int_equal(blkfront_submit(q, &req), 0);
	blkfront_push(q);
	assert_int_equal(q->ring.sring->req_prod, 3);
	for (RING_IDX i = 0; i < 3; i++) {
		blkif_request_t r = seen(i);

		assert_int_equal(r.sector_number, sector);
		assert_int_equal(r.nr_segments, i < 2 ? 11 : 10);
		sector += r.nr_segments * 8U;
		id[i] = r.id;
	}
	for (RING_IDX i = 0; i < 3; i++) {
		assert_int_equal(done_count, 0);
		answer(id[2 - i], BLKIF_OP_WRITE, i == 1 ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY);
		blkfront_poll(q);
	}
	assert_int_equal(done_count, 1);
	assert_int_equal(done_err, -EIO); /* one piece failed */
}

static void foreign_buffers_are_copied(void **state)
{
	static char buf[6 * 4096];
	struct blkfront_req req;
	blkif_request_t r;

	(void)state;
	front_make(false, 0, 0, 16);
	memset(buf, 'w', sizeof(buf));
	req = request(BLKIF_OP_WRITE, 0, 41, buf);
	assert_int_equal(blkfront_submit(q, &req), 0);
	blkfront_push(q);
	r = seen(0);
	assert_int_equal(r.nr_segments, 6);
	assert_int_equal(r.seg[5].last_sect, 0);
	assert_int_equal(q->data[(r.seg[5].gref - 1000) * BLKFRONT_PAGE], 'w');
	answer(r.id, BLKIF_OP_WRITE, BLKIF_RSP_OKAY);
	blkfront_poll(q);
	req = request(BLKIF_OP_READ, 0, 41, buf);
	assert_int_equal(blkfront_submit(q, &req), 0);
	blkfront_push(q);
	r = seen(1);
	for (int i = 0; i < 6; i++)
		memset(q->data + (r.seg[i].gref - 1000) * BLKFRONT_PAGE, 'a' + i, BLKFRONT_PAGE);
	answer(r.id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	blkfront_poll(q);
	assert_int_equal(done_count, 2);
	assert_int_equal(buf[0], 'a');
	assert_int_equal(buf[5 * 4096 + 511], 'f');
	assert_int_equal(buf[5 * 4096 + 512], 'w'); /* beyond the request */
	assert_int_equal(q->nr_bounce, 16);
}

static void what_does_not_fit_waits_its_turn(void **state)
{
	static struct blkfront_req req[100];

	(void)state;
	front_make(false, 0, PAGES, 0);
	for (unsigned int i = 0; i < 100; i++) {
		req[i] = request(BLKIF_OP_READ, i * 8, 8, q->data);
		assert_int_equal(blkfront_submit(q, &req[i]), 0);
	}
	blkfront_push(q);
	assert_int_equal(q->ring.sring->req_prod, 32);
	for (RING_IDX i = 0; i < 100; i++) {
		blkif_request_t r = seen(i);

		assert_int_equal(r.sector_number, i * 8);
		answer(r.id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
		assert_int_equal(blkfront_poll(q), 1);
	}
	assert_int_equal(done_count, 100);
}

static void indices_may_wrap(void **state)
{
	struct blkfront_req req;

	(void)state;
	front_make(true, 2, 1, 0);
	q->ring.req_prod_pvt = q->ring.rsp_cons = 0xfffffff0U;
	q->ring.sring->req_prod = q->ring.sring->rsp_prod = 0xfffffff0U;
	for (int i = 0; i < 64; i++) {
		RING_IDX at = q->ring.req_prod_pvt;
		uint64_t id;

		req = request(BLKIF_OP_READ, 0, 8, q->data);
		assert_int_equal(blkfront_submit(q, &req), 0);
		q->ring.sring->req_event = at - 1; /* as before: no notification */
		blkfront_push(q);
		memcpy(&id, blkfront_entry(q, at) + 4, 8);
		answer(id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
		assert_int_equal(blkfront_poll(q), 1);
	}
	assert_int_equal(done_count, 64);
	assert_int_equal(q->ring.rsp_cons, 0x30);
}

static uint64_t one_in_flight(struct blkfront_req *req)
{
	front_make(false, 0, PAGES, 0);
	*req = request(BLKIF_OP_READ, 0, 8, q->data);
	assert_int_equal(blkfront_submit(q, req), 0);
	blkfront_push(q);
	return seen(0).id;
}

static void refused(struct blkfront_req *req)
{
	blkfront_poll(q);
	assert_int_equal(blkfront_error(q), -EPROTO);
	assert_int_equal(done_count, 1);
	assert_int_equal(done_err, -EPROTO);
	assert_int_equal(blkfront_submit(q, req), -EPROTO);
}

static void an_unknown_id_is_not_believed(void **state)
{
	struct blkfront_req req;
	uint64_t id = one_in_flight(&req);

	(void)state;
	answer(id + 1, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	refused(&req);
}

static void an_id_beyond_the_ring_is_not_believed(void **state)
{
	struct blkfront_req req;

	(void)state;
	one_in_flight(&req);
	answer(0xffffffff, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	refused(&req);
}

static void another_operation_is_not_believed(void **state)
{
	struct blkfront_req req;
	uint64_t id = one_in_flight(&req);

	(void)state;
	answer(id, BLKIF_OP_WRITE, BLKIF_RSP_OKAY);
	refused(&req);
}

static void too_many_responses_are_not_believed(void **state)
{
	struct blkfront_req req;
	uint64_t id = one_in_flight(&req);

	(void)state;
	answer(id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	answer(id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	refused(&req);
}

static void a_second_answer_is_not_believed(void **state)
{
	struct blkfront_req req, next;
	uint64_t id = one_in_flight(&req);

	(void)state;
	answer(id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	blkfront_poll(q);
	assert_int_equal(done_err, 0);
	done_count = 0;
	next = request(BLKIF_OP_READ, 0, 8, q->data);
	assert_int_equal(blkfront_submit(q, &next), 0); /* takes the same slot */
	blkfront_push(q);
	answer(id, BLKIF_OP_READ, BLKIF_RSP_OKAY);
	refused(&next);
}

static void not_supported_is_told_from_an_error(void **state)
{
	struct blkfront_req req;
	uint64_t id = one_in_flight(&req);

	(void)state;
	answer(id, BLKIF_OP_READ, BLKIF_RSP_EOPNOTSUPP);
	blkfront_poll(q);
	assert_int_equal(done_err, -EOPNOTSUPP);
	assert_int_equal(blkfront_error(q), 0);
}

static void senseless_requests_are_refused(void **state)
{
	static char foreign[4096];
	struct blkfront_req bad[6];

	(void)state;
	front_make(false, 0, PAGES, 0);
	bad[0] = request(BLKIF_OP_READ, 0, 0, q->data);
	bad[1] = request(BLKIF_OP_READ, 0, 8, NULL);
	bad[2] = request(BLKIF_OP_READ, 0, 8, foreign); /* there are no bounce pages */
	bad[3] = request(BLKIF_OP_FLUSH_DISKCACHE, 0, 8, q->data);
	bad[4] = request(BLKIF_OP_WRITE_BARRIER, 0, 89, q->data);
	bad[5] = request(99, 0, 8, q->data);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(blkfront_submit(q, &bad[i]), -EINVAL);
	assert_int_equal(q->ring.req_prod_pvt, 0);
}

#define T(name) cmocka_unit_test_teardown(name, front_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rings_have_32_entries_a_page),      T(a_read_has_its_fields_in_64),
		T(a_read_has_its_fields_in_32),	      T(a_discard_has_its_fields_in_32),
		T(long_requests_are_split),	      T(foreign_buffers_are_copied),
		T(what_does_not_fit_waits_its_turn),  T(indices_may_wrap),
		T(an_unknown_id_is_not_believed),     T(an_id_beyond_the_ring_is_not_believed),
		T(another_operation_is_not_believed), T(too_many_responses_are_not_believed),
		T(a_second_answer_is_not_believed),   T(not_supported_is_told_from_an_error),
		T(senseless_requests_are_refused),
	};

	return cmocka_run_group_tests_name("blkfront", tests, NULL, NULL);
}
