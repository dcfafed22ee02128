// SPDX-License-Identifier: MIT
/*
 * The files of stats.h: made by a supervisor, mapped by a worker.  What happens to such a file must
 * not cost a guest its disk (runfile.c); the numbers are lost instead.
 */
#include "common/stats.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/loop.h"
#include "common/runfile.h"

/* ---- the supervisor ---------------------------------------------------------------------- */

static struct runfile stats_runfile(const char *daemon, uint32_t domid, uint32_t devid)
{
	return (struct runfile){daemon, domid, devid, "stats"};
}

static int stats_write_header(int fd, const struct stats_identity *id, uint32_t queues)
{
	struct stats_header header = {
		.magic = STATS_MAGIC,
		.version = STATS_VERSION,
		.queue_size = sizeof(struct stats_queue),
		.queues = queues,
		.domid = id->domid,
		.devid = id->devid,
		.generation = id->generation,
		.since_ns = loop_now_ns(),
	};
	struct timespec now;

	const struct stats_xentop xentop = {.version = 1};
	bool vbd3 = strcmp(id->kind, "vbd3") == 0;

	clock_gettime(CLOCK_REALTIME, &now);
	header.since_epoch_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	snprintf(header.kind, sizeof(header.kind), "%s", id->kind);
	snprintf(header.engine, sizeof(header.engine), "%s", id->engine);
	if (vbd3 && pwrite(fd, &xentop, sizeof(xentop), 0) != (ssize_t)sizeof(xentop))
		return -EIO;
	return pwrite(fd, &header, sizeof(header), offsetof(struct stats_file, header)) ==
			       (ssize_t)sizeof(header)
		       ? 0
		       : -EIO;
}

int stats_create(const struct stats_identity *id, uint32_t queues)
{
	struct runfile name = stats_runfile(id->daemon, id->domid, id->devid);
	int fd = runfile_create(&name, 0644, stats_file_size(queues));
	int err;

	if (fd < 0)
		return fd;
	err = stats_write_header(fd, id, queues);
	if (err == 0)
		return fd;
	runfile_remove(&name);
	close(fd);
	return err;
}

void stats_remove(const char *daemon, uint32_t domid, uint32_t devid)
{
	struct runfile name = stats_runfile(daemon, domid, devid);

	runfile_remove(&name);
}

static void sweep_one(const struct runfile *name, void *arg)
{
	(void)arg;
	runfile_remove(name);
}

void stats_sweep(const char *daemon)
{
	runfile_each(daemon, "stats", sweep_one, NULL);
}

/* ---- the worker -------------------------------------------------------------------------- */

int stats_map(struct stats *stats, int fd, uint32_t queues)
{
	size_t size = stats_file_size(queues);

	stats->file = runfile_map(fd, size);
	stats->queues = queues;
	if (!stats->file)
		stats->file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0);
	if (stats->file == MAP_FAILED)
		return -ENOMEM;
	stats->xentop = stats->file->xentop.version != 0;
	return 0;
}

void stats_unmap(struct stats *stats)
{
	runfile_unmap(stats->file, stats_file_size(stats->queues));
	stats->file = NULL;
}
