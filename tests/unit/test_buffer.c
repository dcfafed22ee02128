// SPDX-License-Identifier: MIT
/* Room for requests: no two have the same, what is put back can be had again, and it is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "blkback/buffer.h"

#define SLOTS 32u

static struct buffer_pool pool;

static int setup(void **state)
{
	(void)state;
	return buffer_pool_init(&pool, SLOTS);
}

static int teardown(void **state)
{
	(void)state;
	buffer_pool_free(&pool);
	return 0;
}

/* Fills all of it, to find whoever else has some of it. */
static void fill(const struct buffer *buffer, uint32_t count, unsigned char mark)
{
	memset(buffer->data, mark, (size_t)count * BUFFER_PAGE);
	memset(buffer->segments, mark, count * sizeof(buffer->segments[0]));
	memset(buffer->iov, mark, count * sizeof(buffer->iov[0]));
}

static void holds(const struct buffer *buffer, uint32_t count, unsigned char mark)
{
	const unsigned char *iov = (const unsigned char *)buffer->iov;

	for (size_t i = 0; i < (size_t)count * BUFFER_PAGE; i++)
		assert_int_equal((unsigned char)buffer->data[i], mark);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(buffer->segments[i].first_sect, mark);
	for (size_t i = 0; i < count * sizeof(buffer->iov[0]); i++)
		assert_int_equal(iov[i], mark);
}

static void each_slot_has_room_for_a_plain_request(void **state)
{
	struct buffer buffers[SLOTS];

	(void)state;
	for (uint32_t i = 0; i < SLOTS; i++) {
		assert_true(buffer_take(&pool, i, SLOT_SEGMENTS, &buffers[i]));
		assert_int_equal(buffers[i].chunks, 0);
		fill(&buffers[i], SLOT_SEGMENTS, (unsigned char)i);
	}
	for (uint32_t i = 0; i < SLOTS; i++)
		holds(&buffers[i], SLOT_SEGMENTS, (unsigned char)i);
}

static void large_requests_share_the_chunks(void **state)
{
	struct buffer buffers[CHUNKS], more;
	uint32_t n = 0;

	(void)state;
	while (buffer_take(&pool, 0, SLOT_INDIRECT_SEGMENTS, &buffers[n])) {
		fill(&buffers[n], SLOT_INDIRECT_SEGMENTS, (unsigned char)n);
		n++;
	}
	assert_int_equal(n, CHUNKS * CHUNK_SEGMENTS / SLOT_INDIRECT_SEGMENTS);
	for (uint32_t i = 0; i < n; i++)
		holds(&buffers[i], SLOT_INDIRECT_SEGMENTS, (unsigned char)i);
	assert_false(buffer_take(&pool, 0, SLOT_SEGMENTS + 1, &more));
	buffer_put(&pool, &buffers[3]);
	assert_true(buffer_take(&pool, 0, SLOT_SEGMENTS + 1, &more));
	assert_ptr_equal(more.data, buffers[3].data);
}

static void no_chunk_is_given_twice(void **state)
{
	struct buffer buffers[CHUNKS];
	uint64_t taken = 0, seed = 1;
	bool has[CHUNKS] = {false};

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint32_t at = (uint32_t)(seed >> 58), segments;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		segments = SLOT_SEGMENTS + 1 +
			   (uint32_t)(seed >> 33) % (SLOT_INDIRECT_SEGMENTS - SLOT_SEGMENTS);
		if (has[at]) {
			buffer_put(&pool, &buffers[at]);
			taken &= ~buffers[at].chunks;
			has[at] = false;
		} else if (buffer_take(&pool, 0, segments, &buffers[at])) {
			assert_int_equal(taken & buffers[at].chunks, 0);
			assert_true((uint32_t)__builtin_popcountll(buffers[at].chunks) *
					    CHUNK_SEGMENTS >=
				    segments);
			taken |= buffers[at].chunks;
			has[at] = true;
		}
		assert_int_equal(pool.chunks_free, ~taken);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_slot_has_room_for_a_plain_request),
		TEST(large_requests_share_the_chunks),
		TEST(no_chunk_is_given_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
