// SPDX-License-Identifier: MIT
/*
 * The files of stats.h: made by a supervisor, mapped by a worker.
 *
 * A mapped file has two ways to end the worker that writes to it, by SIGBUS: there is no memory for
 * a page when it is first touched, so the supervisor takes it all at once; and somebody makes the
 * file shorter.  A slip of an admin's hand must not cost a guest its disk, so the page that is gone
 * is replaced by one of private memory, and the numbers are lost instead.
 */
#include "common/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/filter.h"
#include "common/instance.h"
#include "common/loop.h"
#include "common/stats_read.h"

/* ---- the supervisor ---------------------------------------------------------------------- */

static void stats_path(char path[PATH_MAX], const char *daemon, uint32_t domid, uint32_t devid)
{
	snprintf(path, PATH_MAX, "%s/%s-%u-%u.stats", instance_dir(), daemon, domid, devid);
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
	char path[PATH_MAX];
	int fd, err;

	stats_path(path, id->daemon, id->domid, id->devid);
	unlink(path); /* a worker that still ends may have it mapped */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	err = -posix_fallocate(fd, 0, (off_t)stats_file_size(queues));
	if (err == 0)
		err = stats_write_header(fd, id, queues);
	if (err == 0)
		return fd;
	unlink(path);
	close(fd);
	return err;
}

void stats_remove(const char *daemon, uint32_t domid, uint32_t devid)
{
	char path[PATH_MAX];

	stats_path(path, daemon, domid, devid);
	unlink(path);
}

void stats_sweep(const char *daemon)
{
	struct stats_name *names;
	int count = stats_list(daemon, &names);

	for (int i = 0; i < count; i++)
		stats_remove(daemon, names[i].domid, names[i].devid);
	free(names);
}

/* ---- the worker -------------------------------------------------------------------------- */

enum {
	PAGE = 4096,
	GUARDS = 256
};

/* What is mapped from files, for the handler, which may run in any thread. */
static struct guard {
	uintptr_t start; /* 0: free */
	size_t size;
} guards[GUARDS];

static void guard_fault(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1);

	(void)context;
	for (int i = 0; i < GUARDS; i++) {
		uintptr_t start = __atomic_load_n(&guards[i].start, __ATOMIC_ACQUIRE);

		/* mmap(2) only enters the kernel: safe in a handler, if no standard says so. */
		if (start && at - start < guards[i].size &&
		    mmap((void *)at, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
			return;
	}
	signal(sig, SIG_DFL); /* not ours: the fault comes again and does what it would have */
}

static void guard_add(const void *start, size_t size)
{
	const struct sigaction action = {
		.sa_sigaction = guard_fault,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGBUS, &action, NULL);
	for (int i = 0; i < GUARDS; i++)
		if (!guards[i].start) {
			guards[i].size = size;
			__atomic_store_n(&guards[i].start, (uintptr_t)start, __ATOMIC_RELEASE);
			return;
		}
}

static void guard_del(const void *start)
{
	for (int i = 0; i < GUARDS; i++)
		if (guards[i].start == (uintptr_t)start)
			__atomic_store_n(&guards[i].start, 0, __ATOMIC_RELEASE);
}

int stats_map(struct stats *stats, int fd, uint32_t queues)
{
	size_t size = stats_file_size(queues);
	void *file = MAP_FAILED;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && (size_t)st.st_size >= size)
		file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (file != MAP_FAILED)
		guard_add(file, size);
	else
		file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (file == MAP_FAILED)
		return -ENOMEM;
	stats->file = file;
	stats->queues = queues;
	stats->xentop = stats->file->xentop.version != 0;
	return 0;
}

void stats_unmap(struct stats *stats)
{
	if (!stats->file)
		return;
	guard_del(stats->file);
	munmap(stats->file, stats_file_size(stats->queues));
	stats->file = NULL;
}

static const struct filter_rule stats_rules[] = {
	FILTER_INT(newfstatat, 3, AT_EMPTY_PATH), /* fstat, as glibc calls it */
};

const struct filter stats_filter = {FILTER_RULES(stats_rules)};
