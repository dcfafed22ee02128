// SPDX-License-Identifier: MIT
/*
 * Writes that a server may lose: kept in order with their data, forgotten by a flush, whatever
 * their sizes and wherever the ring's end falls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "blkback/unflushed.h"

enum {
	SIZE = 8 << 20,
	MODEL = 4096
};

/* What must be in it: the n-th write has offset n and bytes of value n. */
static uint32_t model_bytes[MODEL];

static void check(const struct unflushed *u, uint32_t first, uint32_t next)
{
	struct unflushed_write write;
	uint64_t at = u->tail;

	for (uint32_t n = first; n < next; n++) {
		assert_true(unflushed_next(u, &at, &write));
		assert_int_equal(write.offset, n);
		assert_int_equal(write.bytes, model_bytes[n]);
		for (uint32_t i = 0; i < write.bytes; i += 511)
			assert_int_equal((uint8_t)write.data[i], (uint8_t)n);
		assert_int_equal((uint8_t)write.data[write.bytes - 1], (uint8_t)n);
	}
	assert_false(unflushed_next(u, &at, &write));
}

static void writes_are_kept_until_they_are_trimmed(void **state)
{
	static char data[1 << 20];
	uint64_t marks[MODEL];
	struct unflushed u;
	uint32_t first = 0;

	(void)state;
	srand(1);
	assert_int_equal(unflushed_init(&u, SIZE), 0);
	assert_true(unflushed_is_empty(&u));
	for (uint32_t n = 0; n < MODEL; n++) {
		uint32_t bytes = 512u * (1 + (uint32_t)rand() % (rand() % 8 ? 16 : 2048));
		struct iovec iov[2] = {{data, bytes / 2}, {data + bytes / 2, bytes - bytes / 2}};

		memset(data, (int)(n & 0xff), bytes);
		model_bytes[n] = bytes;
		while (!unflushed_has_room(&u, unflushed_takes(bytes)))
			unflushed_trim(&u, first + 1 < n ? marks[first += 1 + (n - first) / 3]
							 : u.head);
		assert_true(unflushed_keep(&u, n, iov, 2));
		marks[n + 1 < MODEL ? n + 1 : n] = u.head;
		if (n % 64 == 0)
			check(&u, first, n + 1);
	}
	unflushed_trim(&u, u.head);
	assert_true(unflushed_is_empty(&u));
	unflushed_free(&u);
}

static void what_does_not_fit_is_refused_whole(void **state)
{
	static char data[1 << 20];
	struct iovec iov = {data, sizeof(data)};
	struct unflushed_write write;
	struct unflushed u;
	uint64_t at;
	int kept = 0;

	(void)state;
	assert_int_equal(unflushed_init(&u, SIZE), 0);
	while (unflushed_keep(&u, (uint64_t)kept, &iov, 1))
		kept++;
	assert_int_equal(kept, 7);
	at = u.tail;
	for (int i = 0; i < kept; i++)
		assert_true(unflushed_next(&u, &at, &write) && write.offset == (uint64_t)i);
	assert_false(unflushed_next(&u, &at, &write));
	unflushed_trim(&u, 0); /* an old mark takes nothing back */
	assert_false(unflushed_keep(&u, 9, &iov, 1));
	unflushed_free(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_are_kept_until_they_are_trimmed),
		cmocka_unit_test(what_does_not_fit_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
