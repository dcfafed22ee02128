// SPDX-License-Identifier: MIT
/*
 * A libFuzzer target: any bytes as a statistics file, which a captured worker may write while root
 * reads it.  What stats_read() takes has as many queues as it says, texts that a terminal can bear,
 * and numbers that halfback can show in each of its forms: JSON that is JSON, tables of a line for
 * a disk, metrics of one sample a line.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>

#include <json-c/json.h>

#include "halfback/print.h"
#include "tests/fuzz/fuzz.h"

static int memory = -1;

static int file_open(const char *path, int flags)
{
	(void)path;
	(void)flags;
	return dup(memory);
}

#define open file_open
#include "common/stats_read.c"
#undef open

/* The file, of which an input fills the parts that mean something; the steps are far apart. */
struct input {
	uint8_t as_it_is; /* the header, too */
	uint8_t cut;	  /* the file is shorter by so many words */
	uint8_t queues;
	uint8_t stretch;
	struct stats_header header;
	uint64_t words[64];
};

static void check_text(const char *text, size_t size)
{
	check(memchr(text, '\0', size) != NULL);
	for (; *text; text++)
		check(*text >= ' ' && *text <= '~');
}

static void check_numbers(const struct stats_histogram *histogram)
{
	uint64_t last = 0, most = stats_step_top(STATS_STEPS - 1);

	for (int eighths = 0; eighths <= 8; eighths++) {
		uint64_t at = stats_percentile(histogram, eighths * 12.5);

		check(at >= last && at <= most);
		last = at;
	}
}

/* What a form prints, for free(). */
static char *shown(void (*print)(const struct vbds *), const struct vbds *vbds)
{
	FILE *real = stdout;
	size_t size;
	char *text;

	stdout = open_memstream(&text, &size);
	print(vbds);
	fclose(stdout);
	stdout = real;
	check(strlen(text) == size);
	for (const char *c = text; *c; c++)
		check((*c >= ' ' && *c <= '~') || *c == '\n');
	return text;
}

/* NAME{LABELS} NUMBER, or a comment. */
static void check_metrics(char *text)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *value = strrchr(line, ' '), *end;

		check(value != NULL);
		if (*line == '#')
			continue;
		check(value[-1] == '}');
		strtod(value, &end);
		check(end != value && *end == '\0');
	}
}

static void show(const struct stats_snapshot *now, uint64_t seconds)
{
	struct vbd vbd = {
		.domid = now->header.domid,
		.guest = "g",
		.vdev = "xvda",
		.image = "i",
		.state = "connected",
		.counted = true,
		.seconds = (double)seconds,
		.since_epoch = (double)now->header.since_epoch_ns / 1e9,
		.stats = *now,
	};
	const struct vbds vbds = {&vbd, 1};
	struct json_object *json;
	char *text;

	snprintf(vbd.kind, sizeof(vbd.kind), "%s", now->header.kind);
	for (uint32_t i = 0; i < now->header.queues; i++)
		stats_sum(&vbd.sum, &now->queue[i]);
	text = shown(print_json, &vbds);
	json = json_tokener_parse(text);
	check(json != NULL);
	json_object_put(json);
	free(text);
	text = shown(print_prometheus, &vbds);
	check_metrics(text);
	free(text);
	free(shown(print_list, &vbds));
	free(shown(print_table, &vbds));
}

static void file_write(const struct input *in)
{
	static _Alignas(128) char
		bytes[sizeof(struct stats_file) + STATS_QUEUES_MAX * sizeof(struct stats_queue)];
	struct stats_file *file = (struct stats_file *)bytes;
	uint64_t *word = (uint64_t *)file->queue;
	size_t size = stats_file_size(in->queues % (STATS_QUEUES_MAX + 2));

	size -= in->cut * sizeof(uint64_t) < size ? in->cut * sizeof(uint64_t) : size;
	size = size < sizeof(bytes) ? size : sizeof(bytes);
	memset(bytes, 0, sizeof(bytes));
	file->header = in->header;
	if (!(in->as_it_is & 1)) {
		file->header.magic = STATS_MAGIC;
		file->header.version = STATS_VERSION;
		file->header.queue_size = sizeof(struct stats_queue);
		file->header.queues = in->queues % (STATS_QUEUES_MAX + 2);
	}
	for (size_t i = 0; i < 64; i++)
		word[i * (1u + in->stretch % 32)] = in->words[i];
	check(ftruncate(memory, 0) == 0 && pwrite(memory, bytes, size, 0) == (ssize_t)size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct stats_name name = {7, 51712};
	struct stats_snapshot now = {0}, before = {0};
	struct input in = {0};
	int fds;

	if (memory < 0)
		memory = memfd_create("stats", MFD_CLOEXEC);
	memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
	file_write(&in);
	fds = fd_next();
	if (stats_read(&now, "blkback", &name) < 0) {
		check(!now.queue && fd_next() == fds);
		return 0;
	}
	check(fd_next() == fds);
	check(now.header.queues >= 1 && now.header.queues <= STATS_QUEUES_MAX);
	check(now.header.domid == name.domid && now.header.devid == name.devid);
	check_text(now.header.kind, sizeof(now.header.kind));
	check_text(now.header.engine, sizeof(now.header.engine));
	check_numbers(&now.queue[0].histogram[STATS_READ]);
	show(&now, in.cut);
	check(stats_read(&before, "blkback", &name) == 0);
	for (uint32_t i = 0; i < now.header.queues; i++)
		stats_since(&now.queue[i], &before.queue[i]);
	check(stats_samples(&now.queue[0].histogram[STATS_READ]) == 0);
	stats_release(&now);
	stats_release(&before);
	return 0;
}
