// SPDX-License-Identifier: MIT
/* Small I/Os that are put off and done together, on a file in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "blkback/file_batch.h"

enum {
	BLOCK = 512,
	BLOCKS = 64
};

/* One I/O of one block. */
struct one {
	struct disk_io io; /* first */
	struct iovec iov;
	int done, refused;
	struct one *then; /* put off when this one is done */
};

static struct file_batch batch;
static int fd;
static unsigned char data[BLOCKS][BLOCK];
static struct one ones[BLOCKS];

static void one_done(struct disk_io *io, int err)
{
	struct one *one = (struct one *)io;

	assert_int_equal(err, 0);
	one->done++;
	if (one->then)
		assert_true(file_batch_add(&batch, &one->then->io));
}

static void one_refused(struct disk_io *io)
{
	((struct one *)io)->refused++;
}

static struct one *one(uint32_t i, enum disk_verb verb)
{
	ones[i] = (struct one){.io = {.verb = verb,
				      .offset = (uint64_t)i * BLOCK,
				      .bytes = BLOCK,
				      .iov_count = 1,
				      .done = one_done},
			       .iov = {data[i], BLOCK}};
	ones[i].io.iov = &ones[i].iov;
	return &ones[i];
}

static int setup(void **state)
{
	(void)state;
	fd = memfd_create("disk", 0);
	for (uint32_t i = 0; i < BLOCKS; i++)
		memset(data[i], (int)i + 1, BLOCK);
	assert_int_equal(pwrite(fd, data, sizeof(data), 0), sizeof(data));
	memset(data, 0, sizeof(data));
	file_batch_open(&batch, fd, one_refused);
	assert_non_null(batch.context);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	file_batch_close(&batch);
	close(fd);
	return 0;
}

static void what_is_put_off_is_done_when_it_is_run(void **state)
{
	unsigned char now[BLOCK];

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		assert_true(file_batch_add(&batch, &one(i, DISK_READ)->io));
	memset(data[3], 0xee, BLOCK);
	assert_true(file_batch_add(&batch, &one(3, DISK_WRITE)->io));
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(ones[i].done, 0);
	assert_true(file_batch_run(&batch));
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(ones[i].done, 1);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(data[i][BLOCK - 1], i + 1);
	assert_int_equal(pread(fd, now, BLOCK, 3 * BLOCK), BLOCK);
	assert_int_equal(now[0], 0xee);
	assert_false(file_batch_run(&batch));
}

static void one_alone_is_done_too(void **state)
{
	(void)state;
	assert_true(file_batch_add(&batch, &one(5, DISK_READ)->io));
	assert_true(file_batch_run(&batch));
	assert_int_equal(ones[5].done, 1);
	assert_int_equal(data[5][0], 6);
}

static void a_full_batch_runs_by_itself(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < FILE_BATCH; i++)
		assert_true(file_batch_add(&batch, &one(i, DISK_READ)->io));
	for (uint32_t i = 0; i < FILE_BATCH; i++)
		assert_int_equal(ones[i].done, 1);
	assert_false(file_batch_run(&batch));
}

static void what_is_done_may_put_off_more(void **state)
{
	(void)state;
	for (uint32_t i = 2 * FILE_BATCH; i-- > 0;) {
		one(i, DISK_READ);
		if (i < FILE_BATCH)
			ones[i].then = &ones[FILE_BATCH + i];
	}
	for (uint32_t i = 0; i < FILE_BATCH; i++)
		assert_true(file_batch_add(&batch, &ones[i].io));
	while (file_batch_run(&batch))
		;
	for (uint32_t i = 0; i < 2 * FILE_BATCH; i++) {
		assert_int_equal(ones[i].done, 1);
		assert_int_equal(data[i][0], i + 1);
	}
}

static void what_is_not_done_whole_is_refused(void **state)
{
	(void)state;
	assert_int_equal(ftruncate(fd, BLOCK + 100), 0);
	for (uint32_t i = 0; i < 3; i++)
		file_batch_add(&batch, &one(i, DISK_READ)->io);
	file_batch_run(&batch);
	file_batch_add(&batch, &one(3, DISK_READ)->io);
	file_batch_run(&batch);
	assert_int_equal(ones[0].done, 1);
	for (uint32_t i = 1; i < 4; i++) {
		assert_int_equal(ones[i].done, 0);
		assert_int_equal(ones[i].refused, 1);
	}
}

static void what_the_kernel_does_not_take_is_refused(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		file_batch_add(&batch, &one(i, DISK_READ)->io);
	batch.fd = -1;
	file_batch_run(&batch);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(ones[i].refused, 1);
}

static void without_a_context_nothing_is_put_off(void **state)
{
	(void)state;
	file_batch_close(&batch);
	assert_false(file_batch_add(&batch, &one(0, DISK_READ)->io));
	assert_false(file_batch_run(&batch));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_put_off_is_done_when_it_is_run),
		TEST(one_alone_is_done_too),
		TEST(a_full_batch_runs_by_itself),
		TEST(what_is_done_may_put_off_more),
		TEST(what_is_not_done_whole_is_refused),
		TEST(what_the_kernel_does_not_take_is_refused),
		TEST(without_a_context_nothing_is_put_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
