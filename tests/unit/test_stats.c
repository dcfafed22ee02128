// SPDX-License-Identifier: MIT
/*
 * The statistics' file: what is written is read, a histogram is right within a step, and a reader
 * survives whatever the file holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/stats_read.h"

static const struct stats_identity id = {
	.daemon = "unitd",
	.kind = "vbd",
	.engine = "null",
	.domid = 7,
	.devid = 51712,
	.generation = 3,
};
static const struct stats_name name = {7, 51712};
static char dir[] = "/tmp/halfback-unit.XXXXXX";
static struct stats stats;
static struct stats_snapshot got;

static void path_of(char path[128], const char *file)
{
	snprintf(path, 128, "%s/%s", dir, file);
}

static int setup(void **state)
{
	int fd = stats_create(&id, 2);

	(void)state;
	return fd < 0 ? -1 : stats_map(&stats, fd, 2);
}

static int teardown(void **state)
{
	(void)state;
	stats_unmap(&stats);
	stats_remove(id.daemon, id.domid, id.devid);
	return 0;
}

/* Writes over the file, at `offset`. */
static void scribble(size_t offset, const void *bytes, size_t size)
{
	char path[128];
	int fd;

	path_of(path, "unitd-7-51712.stats");
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
	close(fd);
}

static void cut(off_t size)
{
	char path[128];

	path_of(path, "unitd-7-51712.stats");
	assert_int_equal(truncate(path, size), 0);
}

/* ---- the file ---- */

static void a_new_file_says_who_and_counts_nothing(void **state)
{
	static const struct stats_queue nothing;

	(void)state;
	assert_int_equal(stats_read(&got, "unitd", &name), 0);
	assert_int_equal(got.header.domid, 7);
	assert_int_equal(got.header.devid, 51712);
	assert_int_equal(got.header.generation, 3);
	assert_int_equal(got.header.queues, 2);
	assert_string_equal(got.header.kind, "vbd");
	assert_string_equal(got.header.engine, "null");
	assert_true(got.header.since_ns <= got.at_ns);
	assert_memory_equal(&got.queue[0], &nothing, sizeof(nothing));
	assert_memory_equal(&got.queue[1], &nothing, sizeof(nothing));
	stats_release(&got);
}

static void what_a_queue_writes_is_read(void **state)
{
	struct stats_queue *queue = &stats.file->queue[1];
	struct stats_queue sum = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		stats_done(queue, STATS_READ, 4096, 50000);
	stats_failed(queue, STATS_READ);
	stats_done(queue, STATS_DISCARD, 1 << 20, 1);
	stats_set(&queue->in_flight, 5);
	assert_int_equal(stats_read(&got, "unitd", &name), 0);
	stats_sum(&sum, &got.queue[0]);
	stats_sum(&sum, &got.queue[1]);
	assert_int_equal(sum.op[STATS_READ].requests, 101);
	assert_int_equal(sum.op[STATS_READ].errors, 1);
	assert_int_equal(sum.op[STATS_READ].bytes, 409600);
	assert_int_equal(sum.op[STATS_DISCARD].bytes, 1 << 20);
	assert_int_equal(stats_samples(&sum.histogram[STATS_READ]), 100);
	assert_int_equal(sum.histogram[STATS_READ].sum_ns, 5000000);
	assert_int_equal(sum.in_flight, 5);
	assert_int_equal(got.queue[0].op[STATS_READ].requests, 0);
	stats_release(&got);
}

static void the_file_is_found_by_its_name(void **state)
{
	static const char *const strangers[] = {"unitd.pid",	       "unitd-7.stats",
						"unitd-7-x.stats",     "unitd-7-1.stats.old",
						"unitd-99999-1.stats", "other-7-1.stats"};
	struct stats_name *names;
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		path_of(path, strangers[i]);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	path_of(path, "unitd-7-1.stats");
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(stats_list("unitd", &names), 2);
	assert_int_equal(names[0].devid, 1);
	assert_int_equal(names[1].devid, 51712);
	free(names);
	stats_sweep("unitd");
	assert_int_equal(stats_list("unitd", &names), 0);
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		path_of(path, strangers[i]);
		assert_int_equal(unlink(path), 0);
	}
}

static void a_queue_s_lines_are_its_own(void **state)
{
	(void)state;
	assert_int_equal((uintptr_t)&stats.file->queue[0] % 128, 0);
	assert_int_equal(sizeof(struct stats_queue) % 128, 0);
}

static void without_a_file_it_counts_all_the_same(void **state)
{
	struct stats none;

	(void)state;
	assert_int_equal(stats_map(&none, -1, 1), 0);
	stats_done(&none.file->queue[0], STATS_WRITE, 512, 1);
	stats_unmap(&none);
}

/* ---- what a reader must survive ---- */

static void a_file_that_is_gone(void **state)
{
	(void)state;
	stats_remove("unitd", 7, 51712);
	assert_int_equal(stats_read(&got, "unitd", &name), -ENOENT);
}

static void a_file_of_any_length(void **state)
{
	(void)state;
	for (off_t size = (off_t)stats_file_size(2) - 1; size >= 0; size -= 97) {
		cut(size);
		assert_int_equal(stats_read(&got, "unitd", &name), -EPROTO);
	}
}

static void a_header_that_lies(void **state)
{
	static const uint32_t counts[] = {0, 3, 16, 17, 0x10000, 0x80000000, UINT32_MAX};
	static const size_t words[] = {offsetof(struct stats_header, magic),
				       offsetof(struct stats_header, version),
				       offsetof(struct stats_header, queue_size)};
	struct stats_header header = stats.file->header;
	const size_t at = offsetof(struct stats_file, header);

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		scribble(at + offsetof(struct stats_header, queues), &counts[i], 4);
		assert_int_equal(stats_read(&got, "unitd", &name), -EPROTO);
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		scribble(at, &header, sizeof(header));
		scribble(at + words[i], "\xff", 1);
		assert_int_equal(stats_read(&got, "unitd", &name), -EPROTO);
	}
}

static void another_identity_than_its_name(void **state)
{
	char rude[STATS_NAME_MAX];
	uint32_t domid = 0;

	(void)state;
	memset(rude, 0x1b, sizeof(rude));
	scribble(offsetof(struct stats_file, header.domid), &domid, 4);
	scribble(offsetof(struct stats_file, header.kind), rude, sizeof(rude));
	assert_int_equal(stats_read(&got, "unitd", &name), 0);
	assert_int_equal(got.header.domid, 7);
	assert_string_equal(got.header.kind, "???????????????");
	stats_release(&got);
}

static void numbers_that_are_nonsense(void **state)
{
	struct stats_queue sum = {0}, before;

	(void)state;
	memset(stats.file->queue, 0xff, 2 * sizeof(struct stats_queue));
	assert_int_equal(stats_read(&got, "unitd", &name), 0);
	stats_sum(&sum, &got.queue[0]);
	stats_sum(&sum, &got.queue[1]);
	before = got.queue[0];
	stats_since(&sum, &before);
	assert_int_equal(sum.turns, 0);
	assert_true(stats_percentile(&got.queue[0].histogram[0], 50) <= 1ull << STATS_TOP_BIT);
	stats_release(&got);
}

static void another_thing_of_that_name(void **state)
{
	char path[128];

	(void)state;
	path_of(path, "unitd-7-51712.stats");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(stats_read(&got, "unitd", &name), -EPROTO);
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(stats_read(&got, "unitd", &name), -ELOOP);
}

/* ---- what a writer must survive ---- */

/* Mapped in here, since cmocka sets the signal's handler after setup(). */
static void a_file_made_shorter_below_it(void **state)
{
	struct stats own;

	(void)state;
	assert_int_equal(stats_map(&own, stats_create(&id, 2), 2), 0);
	stats_done(&own.file->queue[1], STATS_READ, 1, 1);
	cut(0);
	stats_done(&own.file->queue[1], STATS_READ, 1, 1);
	stats_done(&own.file->queue[1], STATS_READ, 1, 1);
	assert_int_equal(own.file->queue[1].op[STATS_READ].requests, 2);
	stats_unmap(&own);
}

/* ---- histograms ---- */

static struct stats_histogram histogram;

static void histogram_add(uint64_t ns)
{
	stats_add(&histogram.step[stats_step(ns)], 1);
}

static int histogram_clear(void **state)
{
	(void)state;
	memset(&histogram, 0, sizeof(histogram));
	return 0;
}

static void an_empty_histogram_says_zero(void **state)
{
	(void)state;
	assert_int_equal(stats_percentile(&histogram, 50), 0);
	assert_int_equal(stats_samples(&histogram), 0);
}

static void each_latency_has_the_step_that_holds_it(void **state)
{
	(void)state;
	for (uint64_t ns = 0; ns < 1 << 20; ns++) {
		uint32_t step = stats_step(ns);

		assert_true(ns <= stats_step_top(step));
		assert_true(step == 0 || ns > stats_step_top(step - 1));
	}
	for (int bit = 20; bit < STATS_TOP_BIT; bit++) {
		uint64_t power = 1ull << bit;

		assert_int_equal(stats_step(power), stats_step(power - 1) + 1);
		assert_int_equal(stats_step_top(stats_step(power) - 1), power - 1);
	}
}

static void what_is_too_long_is_in_the_last_step(void **state)
{
	(void)state;
	assert_int_equal(stats_step((1ull << STATS_TOP_BIT) - 1), STATS_STEPS - 1);
	assert_int_equal(stats_step(1ull << STATS_TOP_BIT), STATS_STEPS - 1);
	assert_int_equal(stats_step(UINT64_MAX), STATS_STEPS - 1);
}

static void percentiles_are_right_within_a_step(void **state)
{
	static const double percents[] = {1, 50, 90, 99, 99.9, 100};

	(void)state;
	for (uint64_t ns = 1; ns <= 1000000; ns++)
		histogram_add(ns);
	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		double want = 1000000 * percents[i] / 100;
		double is = (double)stats_percentile(&histogram, percents[i]);

		assert_true(is >= want && is <= want * 1.125);
	}
}

int main(void)
{
#define with_file(test)	     cmocka_unit_test_setup_teardown(test, setup, teardown)
#define with_histogram(test) cmocka_unit_test_setup(test, histogram_clear)
	const struct CMUnitTest tests[] = {
		with_file(a_new_file_says_who_and_counts_nothing),
		with_file(what_a_queue_writes_is_read),
		with_file(the_file_is_found_by_its_name),
		with_file(a_queue_s_lines_are_its_own),
		with_file(without_a_file_it_counts_all_the_same),
		with_file(a_file_that_is_gone),
		with_file(a_file_of_any_length),
		with_file(a_header_that_lies),
		with_file(another_identity_than_its_name),
		with_file(numbers_that_are_nonsense),
		with_file(another_thing_of_that_name),
		with_file(a_file_made_shorter_below_it),
		with_histogram(an_empty_histogram_says_zero),
		with_histogram(each_latency_has_the_step_that_holds_it),
		with_histogram(what_is_too_long_is_in_the_last_step),
		with_histogram(percentiles_are_right_within_a_step),
	};
	int failed;

	if (!mkdtemp(dir))
		return 1;
	setenv("HALFBACK_RUN_DIR", dir, 1);
	failed = cmocka_run_group_tests_name("stats", tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
