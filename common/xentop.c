// SPDX-License-Identifier: MIT
/*
 * xentop's library (libxenstat since Xen 4.19, xenstat_collect_vbds) finds the statistics of a disk
 * of kind vbd3 in /dev/shm/td3-PID/vbd-DOMID-DEVID, where PID stands in the backend's node
 * kthread-pid, and reads one struct vbd3_stats there.  Our file of statistics begins with such a
 * struct, so what stands there is a symbolic link to it.
 *
 * /dev/shm belongs to everybody: a directory that is not ours is not used.
 */
#include "common/xentop.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/instance.h"

enum {
	SECTOR = 512,
	PATH_ROOM = 96
};

bool xentop_knows(const struct device *device)
{
	return strcmp(device->kind, "vbd3") == 0;
}

static void xentop_dir(char dir[PATH_ROOM])
{
	snprintf(dir, PATH_ROOM, "/dev/shm/td3-%d", (int)getpid());
}

static void xentop_path(char path[PATH_ROOM], const struct device *device)
{
	snprintf(path, PATH_ROOM, "/dev/shm/td3-%d/vbd-%u-%u", (int)getpid(), device->guest->domid,
		 device->devid);
}

int xentop_write_node(struct device *device)
{
	if (!xentop_knows(device))
		return 0;
	return store_write(&device->sup->store, device->path, "kthread-pid", "%d", (int)getpid());
}

void xentop_link(struct device *device)
{
	char dir[PATH_ROOM], path[PATH_ROOM], target[PATH_MAX];
	struct stat st;

	if (!xentop_knows(device))
		return;
	xentop_dir(dir);
	xentop_path(path, device);
	snprintf(target, sizeof(target), "%s/%s-%u-%u.stats", instance_dir(),
		 device->sup->backend->name, device->guest->domid, device->devid);
	if ((mkdir(dir, 0755) < 0 && errno != EEXIST) || lstat(dir, &st) < 0 ||
	    !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (symlink(target, path) < 0 && errno != EEXIST))
		log_guest(&device->limit,
			  "%s %u of guest %u: xentop will not show it: can't make %s", device->kind,
			  device->devid, device->guest->domid, path);
}

void xentop_unlink(const struct device *device)
{
	char dir[PATH_ROOM], path[PATH_ROOM];

	if (!xentop_knows(device))
		return;
	xentop_path(path, device);
	unlink(path);
	xentop_dir(dir);
	rmdir(dir); /* with the last one */
}

/* ---- the worker -------------------------------------------------------------------------- */

static uint64_t sum(const struct stats *stats, size_t offset)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < stats->queues; i++)
		all += __atomic_load_n((uint64_t *)((char *)&stats->file->queue[i] + offset),
				       __ATOMIC_RELAXED);
	return all;
}

#define SUM(member) sum(stats, offsetof(struct stats_queue, member))

void xentop_publish(const struct stats *stats)
{
	struct stats_xentop *x = &stats->file->xentop;
	uint64_t errors = 0;

	if (!stats->xentop)
		return;
	for (size_t op = 0; op < STATS_OPS; op++)
		errors += sum(stats, offsetof(struct stats_queue, op[0].errors) +
					     op * sizeof(struct stats_count));
	stats_set(&x->oo_reqs, SUM(ring_full));
	stats_set(&x->read_reqs_submitted, SUM(op[STATS_READ].requests));
	stats_set(&x->read_reqs_completed, SUM(op[STATS_READ].requests));
	stats_set(&x->read_sectors, SUM(op[STATS_READ].bytes) / SECTOR);
	stats_set(&x->read_total_ticks, SUM(histogram[STATS_READ].sum_ns) / 1000);
	stats_set(&x->write_reqs_submitted, SUM(op[STATS_WRITE].requests));
	stats_set(&x->write_reqs_completed, SUM(op[STATS_WRITE].requests));
	stats_set(&x->write_sectors, SUM(op[STATS_WRITE].bytes) / SECTOR);
	stats_set(&x->write_total_ticks, SUM(histogram[STATS_WRITE].sum_ns) / 1000);
	stats_set(&x->io_errors, errors);
}
