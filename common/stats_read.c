// SPDX-License-Identifier: MIT
/*
 * A file is read with one pread(2) into private memory.  Not mapped: whoever can write it can also
 * make it shorter, and a reader must not end by SIGBUS.  The copy is aligned like the file, so the
 * kernel moves whole words, and a word that is being written is seen before or after.
 */
#include "common/stats_read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/instance.h"
#include "common/loop.h"
#include "common/runfile.h"

/* ---- files -------------------------------------------------------------------------------- */

static int name_order(const void *a, const void *b)
{
	const struct stats_name *x = a, *y = b;

	if (x->domid != y->domid)
		return x->domid < y->domid ? -1 : 1;
	return x->devid < y->devid ? -1 : x->devid > y->devid;
}

struct listing {
	struct stats_name *names;
	int count;
};

static void listing_add(const struct runfile *name, void *arg)
{
	struct listing *listing = arg;
	size_t count = (size_t)listing->count;
	struct stats_name *more = reallocarray(listing->names, count + 1, sizeof(*more));

	if (!more)
		return;
	more[count] = (struct stats_name){name->domid, name->devid};
	listing->names = more;
	listing->count++;
}

int stats_list(const char *daemon, struct stats_name **names)
{
	struct listing listing = {0};

	*names = NULL;
	if (access(instance_dir(), R_OK | X_OK) < 0)
		return -errno;
	runfile_each(daemon, "stats", listing_add, &listing);
	*names = listing.names;
	if (listing.count > 0)
		qsort(listing.names, (size_t)listing.count, sizeof(*listing.names), name_order);
	return listing.count;
}

/* Text of a header: to its first NUL, and nothing that a terminal would obey. */
static void header_text(char text[STATS_NAME_MAX])
{
	text[STATS_NAME_MAX - 1] = '\0';
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* Reads what is there, up to the largest file of ours.  Bytes, or -errno. */
static ssize_t file_read(const char *path, struct stats_file *file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EPROTO;
	}
	n = pread(fd, file, stats_file_size(STATS_QUEUES_MAX), 0);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

static bool header_ok(const struct stats_header *header, size_t bytes)
{
	return bytes >= sizeof(struct stats_file) && header->magic == STATS_MAGIC &&
	       header->version == STATS_VERSION &&
	       header->queue_size == sizeof(struct stats_queue) && header->queues > 0 &&
	       header->queues <= STATS_QUEUES_MAX && bytes >= stats_file_size(header->queues);
}

int stats_read(struct stats_snapshot *snapshot, const char *daemon, const struct stats_name *name)
{
	size_t room = stats_file_size(STATS_QUEUES_MAX);
	struct stats_file *file = aligned_alloc(128, (room + 127) / 128 * 128);
	char path[PATH_MAX];
	ssize_t n;

	if (!file)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/%s-%u-%u.stats", instance_dir(), daemon, name->domid,
		 name->devid);
	snapshot->at_ns = loop_now_ns();
	n = file_read(path, file);
	if (n < 0 || !header_ok(&file->header, (size_t)n)) {
		free(file);
		return n < 0 ? (int)n : -EPROTO;
	}
	snapshot->header = file->header;
	snapshot->header.domid = name->domid;
	snapshot->header.devid = name->devid;
	header_text(snapshot->header.kind);
	header_text(snapshot->header.engine);
	memmove(file, file->queue, snapshot->header.queues * sizeof(struct stats_queue));
	snapshot->queue = (struct stats_queue *)file;
	return 0;
}

void stats_release(struct stats_snapshot *snapshot)
{
	free(snapshot->queue);
	snapshot->queue = NULL;
}

/* ---- numbers ------------------------------------------------------------------------------ */

enum {
	WORDS = sizeof(struct stats_queue) / sizeof(uint64_t)
};

void stats_sum(struct stats_queue *sum, const struct stats_queue *queue)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)queue;

	for (size_t i = 0; i < WORDS; i++)
		to[i] += from[i];
}

void stats_since(struct stats_queue *now, const struct stats_queue *before)
{
	uint64_t *to = (uint64_t *)now;
	const uint64_t *from = (const uint64_t *)before;

	for (size_t i = STATS_GAUGES; i < WORDS; i++)
		to[i] = to[i] > from[i] ? to[i] - from[i] : 0;
}

uint64_t stats_samples(const struct stats_histogram *histogram)
{
	uint64_t samples = 0;

	for (uint32_t i = 0; i < STATS_STEPS; i++)
		samples += histogram->step[i];
	return samples;
}

uint64_t stats_step_top(uint32_t step)
{
	uint32_t group = step / STATS_STEP_COUNT;

	if (group == 0)
		return step;
	return ((uint64_t)(step % STATS_STEP_COUNT + STATS_STEP_COUNT + 1) << (group - 1)) - 1;
}

uint64_t stats_percentile(const struct stats_histogram *histogram, double percent)
{
	double want = (double)stats_samples(histogram) * percent / 100.0, seen = 0;
	uint64_t last = 0;

	for (uint32_t i = 0; i < STATS_STEPS; i++) {
		if (histogram->step[i] == 0)
			continue;
		last = stats_step_top(i);
		seen += (double)histogram->step[i];
		if (seen >= want)
			break;
	}
	return last; /* sums beyond 2^53 are rounded, and may not reach what is wanted */
}
