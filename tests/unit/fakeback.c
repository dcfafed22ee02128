// SPDX-License-Identifier: MIT
/* See fakeback.h. */
#include "tests/unit/fakeback.h"

struct blkfront *bf;
struct blkfront_queue *q;
int done_count, done_err;

static void count_done(struct blkfront_req *req, int err)
{
	(void)req;
	done_count++;
	done_err = err;
}

struct blkfront_req request(uint8_t op, uint64_t sector, uint64_t sectors, void *buf)
{
	return (struct blkfront_req){
		.op = op, .sector = sector, .sectors = sectors, .buf = buf, .done = count_done};
}

static void *page_array(unsigned int n)
{
	void *pages = aligned_alloc(BLKFRONT_PAGE, (size_t)(n + 1) * BLKFRONT_PAGE);

	assert_non_null(pages);
	memset(pages, 0, (size_t)n * BLKFRONT_PAGE);
	return pages;
}

static grant_ref_t *ref_array(unsigned int n, grant_ref_t first)
{
	grant_ref_t *ref = calloc(n + 1, sizeof(*ref));

	assert_non_null(ref);
	for (unsigned int i = 0; i < n; i++)
		ref[i] = first + i;
	return ref;
}

static void queue_make(unsigned int i, unsigned int data_pages)
{
	struct blkfront_queue *new = calloc(1, sizeof(*new));

	assert_non_null(new);
	bf->queue[i] = new;
	new->bf = bf;
	new->kick_fd = -1;
	new->data_pages = data_pages;
	new->data = page_array(data_pages);
	new->data_ref = ref_array(data_pages, 1000);
	new->bounce = ref_array(data_pages, 0);
	blkfront_ring_init(new, page_array(bf->ring_pages));
	new->indirect = page_array(bf->indirect_pages * new->ring.nr_ents);
	new->indirect_ref = ref_array(bf->indirect_pages * new->ring.nr_ents, 50000);
	new->slot_bounce = ref_array(new->ring.nr_ents *blkfront_segments(bf), 0);
	blkfront_slots_init(new);
	new->ring.sring->req_event = 1U << 30; /* the test looks by itself: no notification */
}

void front_make_long(bool abi32, unsigned int order, unsigned int buffers, unsigned int bounces,
		     unsigned int indirect, unsigned int queues)
{
	bf = calloc(1, sizeof(*bf));
	assert_non_null(bf);
	bf->abi = abi32 ? &blkfront_abi32 : &blkfront_abi64;
	bf->opts.buffer_pages = buffers;
	bf->ring_pages = 1U << order;
	bf->info.indirect = indirect;
	bf->indirect_pages = (indirect + BLKFRONT_PAGE_SEGMENTS - 1) / BLKFRONT_PAGE_SEGMENTS;
	bf->info.queues = queues;
	for (unsigned int i = 0; i < queues; i++)
		queue_make(i, buffers + bounces);
	q = bf->queue[0];
	done_count = 0;
	done_err = 0;
}

void front_make(bool abi32, unsigned int order, unsigned int buffers, unsigned int bounces)
{
	front_make_long(abi32, order, buffers, bounces, 0, 1);
}

int front_free(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < bf->info.queues; i++) {
		struct blkfront_queue *old = bf->queue[i];

		free(old->ring.sring);
		free(old->indirect);
		free(old->indirect_ref);
		free(old->data);
		free(old->data_ref);
		free(old->bounce);
		free(old->slot_bounce);
		free(old);
	}
	free(bf);
	return 0;
}

blkif_request_t seen(RING_IDX idx)
{
	const char *from = blkfront_entry(q, idx);
	blkif_request_t r = {0};

	assert_true(idx < q->ring.sring->req_prod);
	memcpy(&r, from, 4);
	memcpy((char *)&r + 8, from + 4 + bf->abi->gap, sizeof(r) - 8);
	return r;
}

void answer(uint64_t id, uint8_t operation, int16_t status)
{
	struct blkif_sring *sring = q->ring.sring;
	char *to = blkfront_entry(q, sring->rsp_prod);

	memcpy(to, &id, 8);
	to[8] = (char)operation;
	memcpy(to + 10, &status, 2);
	sring->rsp_prod++;
}
