// SPDX-License-Identifier: MIT
/*
 * nbdkit-xenblk-plugin: a guest's PV disk as an NBD export, so that qemu-img, nbdcopy, fio and
 * file systems can work on it unmodified:
 *
 *	xloop exec GUEST -- nbdkit -U - nbdkit-xenblk-plugin.so dev=xvda --run 'nbdinfo $uri'
 *
 * It owns one frontend and, for each of its queues, one thread that alone touches it, for a ring
 *has one owner.  nbdkit's threads, any number of them, put their request on one queue's list under
 *a mutex, wake its owner through an eventfd when it may be asleep, and wait for their own
 *semaphore. Requests live on those threads' stacks; the owner never touches one after it has posted
 *its semaphore.
 *
 * Everything is opened after nbdkit has forked into the background: Xen's handles don't survive
 *that. It must never answer a flush before the disk did, nor a write as done that the disk refused.
 */
#define NBDKIT_API_VERSION 2
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <nbdkit-plugin.h>

#include "loopback/blkfront.h"
#include "loopback/vdev.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

struct job {
	struct blkfront_req req;
	sem_t done;
	int err;
	struct job *next;
};

static const char *dev;
static struct blkfront_opts opts = {.ring_order = 2, .indirect = 32, .spin_us = 10, .queues = 1};

static struct guest guest;
static struct blkfront *bf;
static int wake_fds[BLKFRONT_MAX_QUEUES];

/* A queue and its thread. */
struct lane {
	struct blkfront_queue *queue;
	pthread_t owner;
	pthread_mutex_t lock;
	struct job *jobs, **jobs_tail; /* under lock: not yet submitted, oldest first */
	int wake_fd;
	bool stopping; /* under lock */
};

static struct lane lanes[BLKFRONT_MAX_QUEUES];
static unsigned int lane_count; /* that run */
static unsigned int lane_next;	/* atomic: requests go to one after the other */

/* ---- the owner's thread ------------------------------------------------------------------- */

static void job_done(struct blkfront_req *req, int err)
{
	struct job *job = req->owner;

	job->err = err;
	sem_post(&job->done);
}

/* Returns false when it is time to end. */
static bool jobs_submit(struct lane *lane)
{
	struct job *job, *next;
	bool go_on;

	pthread_mutex_lock(&lane->lock);
	job = lane->jobs;
	lane->jobs = NULL;
	lane->jobs_tail = &lane->jobs;
	go_on = !lane->stopping;
	pthread_mutex_unlock(&lane->lock);
	for (; job; job = next) {
		int err;

		next = job->next; /* once it is done, the job is gone */
		err = blkfront_submit(lane->queue, &job->req);
		if (err)
			job_done(&job->req, err);
	}
	blkfront_push(lane->queue);
	return go_on;
}

static void wake_drain(const struct lane *lane)
{
	uint64_t count;
	ssize_t n = read(lane->wake_fd, &count, sizeof(count));

	(void)n; /* nothing to read is as good */
}

static void *owner_main(void *arg)
{
	struct lane *lane = arg;
	struct pollfd pfd = {.fd = lane->wake_fd, .events = POLLIN};

	while (jobs_submit(lane)) {
		int n = blkfront_wait(lane->queue, -1);

		/* With the device lost there is nothing to wait for but jobs, to refuse them. */
		if (n < 0 && blkfront_error(lane->queue))
			poll(&pfd, 1, -1);
		if (n <= 0)
			wake_drain(lane);
	}
	return arg;
}

/* ---- nbdkit's threads --------------------------------------------------------------------- */

static int owner_wake(const struct lane *lane)
{
	uint64_t one = 1;

	return write(lane->wake_fd, &one, sizeof(one)) == sizeof(one) ? 0 : -1;
}

/* Put the job on the list and wait until it is done: the owner has taken it off by then. */
static void job_wait(struct job *job)
{
	struct lane *lane =
		&lanes[__atomic_fetch_add(&lane_next, 1, __ATOMIC_RELAXED) % lane_count];
	bool first;

	sem_init(&job->done, 0, 0);
	pthread_mutex_lock(&lane->lock);
	first = !lane->jobs;
	*lane->jobs_tail = job;
	lane->jobs_tail = &job->next;
	pthread_mutex_unlock(&lane->lock);
	if (first)
		owner_wake(lane);
	while (sem_wait(&job->done) && errno == EINTR)
		;
	sem_destroy(&job->done);
}

/* Run one request to its end.  0, or -1 with nbdkit's error set. */
static int job_run(uint8_t op, void *buf, uint64_t bytes, uint64_t offset, const char *what)
{
	struct job job = {.req = {.op = op,
				  .sector = offset / BLKFRONT_SECTOR,
				  .sectors = bytes / BLKFRONT_SECTOR,
				  .buf = buf,
				  .done = job_done,
				  .owner = &job}};

	if (bytes % BLKFRONT_SECTOR || offset % BLKFRONT_SECTOR) {
		nbdkit_error("%s of %llu bytes at %llu: the disk has sectors of %u bytes; "
			     "add --filter=blocksize minblock=512 for smaller requests",
			     what, (unsigned long long)bytes, (unsigned long long)offset,
			     BLKFRONT_SECTOR);
		nbdkit_set_error(EINVAL);
		return -1;
	}
	job_wait(&job);
	if (job.err) {
		nbdkit_error("%s of %llu bytes at %llu: %s", what, (unsigned long long)bytes,
			     (unsigned long long)offset, strerror(-job.err));
		nbdkit_set_error(-job.err);
	}
	/* NOLINTNEXTLINE(clang-analyzer-core.StackAddressEscape): see job_wait() */
	return job.err ? -1 : 0;
}

static int xenblk_pread(void *handle, void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return job_run(BLKIF_OP_READ, buf, count, offset, "read");
}

static int xenblk_pwrite(void *handle, const void *buf, uint32_t count, uint64_t offset,
			 uint32_t flags)
{
	(void)handle;
	(void)flags;
	return job_run(BLKIF_OP_WRITE, (void *)buf, count, offset, "write");
}

static int xenblk_flush(void *handle, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return job_run(BLKIF_OP_FLUSH_DISKCACHE, NULL, 0, 0, "flush");
}

static int xenblk_trim(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return job_run(BLKIF_OP_DISCARD, NULL, count, offset, "trim");
}

/* ---- what the disk can do ----------------------------------------------------------------- */

static void *xenblk_open(int readonly)
{
	(void)readonly;
	return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t xenblk_get_size(void *handle)
{
	(void)handle;
	return (int64_t)(blkfront_info(bf)->sectors * BLKFRONT_SECTOR);
}

static int xenblk_can_write(void *handle)
{
	(void)handle;
	return !blkfront_info(bf)->readonly;
}

static int xenblk_can_flush(void *handle)
{
	(void)handle;
	return blkfront_info(bf)->flush;
}

static int xenblk_can_trim(void *handle)
{
	(void)handle;
	return blkfront_info(bf)->discard;
}

/* nbdkit makes FUA from a write and a flush; a disk without a cache needs neither. */
static int xenblk_can_fua(void *handle)
{
	(void)handle;
	return blkfront_info(bf)->flush ? NBDKIT_FUA_EMULATE : NBDKIT_FUA_NONE;
}

/* All connections share one frontend, so a flush on one covers the others' writes. */
static int xenblk_can_multi_conn(void *handle)
{
	(void)handle;
	return 1;
}

static int xenblk_block_size(void *handle, uint32_t *minimum, uint32_t *preferred,
			     uint32_t *maximum)
{
	(void)handle;
	*minimum = BLKFRONT_SECTOR;
	*preferred = 4096;
	*maximum = 0xffffffffU;
	return 0;
}

/* ---- starting and ending ------------------------------------------------------------------ */

static int xenblk_config(const char *key, const char *value)
{
	unsigned int n;

	if (!strcmp(key, "dev")) {
		dev = value;
		if (vdev_number(value) >= 0)
			return 0;
		nbdkit_error("dev=%s is no disk's name; say dev=xvda or dev=51712, for example",
			     value);
		return -1;
	}
	if (!strcmp(key, "ring-order")) {
		if (nbdkit_parse_unsigned("ring-order", value, &opts.ring_order))
			return -1;
		if (opts.ring_order <= BLKFRONT_MAX_ORDER)
			return 0;
		nbdkit_error("ring-order=%s is too large; it goes up to %d", value,
			     BLKFRONT_MAX_ORDER);
		return -1;
	}
	if (!strcmp(key, "abi")) {
		if (nbdkit_parse_unsigned("abi", value, &n))
			return -1;
		opts.abi32 = n == 32;
		if (n == 32 || n == 64)
			return 0;
		nbdkit_error("abi=%s is unknown; it is 32 or 64", value);
		return -1;
	}
	if (!strcmp(key, "queues")) {
		if (nbdkit_parse_unsigned("queues", value, &opts.queues))
			return -1;
		if (opts.queues >= 1 && opts.queues <= BLKFRONT_MAX_QUEUES)
			return 0;
		nbdkit_error("queues=%s: it is 1 to %d", value, BLKFRONT_MAX_QUEUES);
		return -1;
	}
	nbdkit_error("unknown parameter \"%s\"; there are dev, ring-order, abi and queues", key);
	return -1;
}

static int xenblk_config_complete(void)
{
	if (dev)
		return 0;
	nbdkit_error("which disk? Say dev=xvda, for example");
	return -1;
}

static int lane_start(unsigned int i)
{
	struct lane *lane = &lanes[i];

	lane->queue = blkfront_queue(bf, i);
	lane->wake_fd = wake_fds[i];
	lane->jobs_tail = &lane->jobs;
	pthread_mutex_init(&lane->lock, NULL);
	return pthread_create(&lane->owner, NULL, owner_main, lane);
}

static int wake_fds_open(void)
{
	for (int i = 0; i < BLKFRONT_MAX_QUEUES; i++) {
		wake_fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (wake_fds[i] < 0)
			return -1;
	}
	opts.wake_fds = wake_fds;
	return 0;
}

static int xenblk_after_fork(void)
{
	if (wake_fds_open() || guest_open(&guest)) {
		nbdkit_error("this is no guest: run it below xloop exec GUEST, or in a domU");
		return -1;
	}
	bf = blkfront_open(&guest, (unsigned int)vdev_number(dev), &opts);
	if (!bf) {
		nbdkit_error("cannot connect %s: %s", dev, strerror(errno));
		return -1;
	}
	for (; lane_count < blkfront_info(bf)->queues; lane_count++) {
		if (lane_start(lane_count)) {
			nbdkit_error("cannot make a thread for each of the frontend's queues");
			return -1;
		}
	}
	return 0;
}

static void lane_stop(struct lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	lane->stopping = true;
	pthread_mutex_unlock(&lane->lock);
	owner_wake(lane);
	pthread_join(lane->owner, NULL);
}

/* All connections are closed by now, so no job is left. */
static void xenblk_cleanup(void)
{
	while (lane_count > 0)
		lane_stop(&lanes[--lane_count]);
	if (bf)
		blkfront_close(bf);
	bf = NULL;
	guest_close(&guest);
	for (int i = 0; i < BLKFRONT_MAX_QUEUES && opts.wake_fds; i++)
		close(wake_fds[i]);
	opts.wake_fds = NULL;
}

#define xenblk_config_help                                                                         \
	"dev=xvda           (required) The disk: its name, or its number.\n"                       \
	"ring-order=0..4    Pages of the ring, as a power of two (2).\n"                           \
	"abi=64|32          The ring's layout (64).\n"                                             \
	"queues=1..16       Queues, if the backend has them, each with a thread (1)."

static struct nbdkit_plugin plugin = {
	.name = "xenblk",
	.longname = "Xen PV disk",
	.description = "the PV disk of the Xen guest in which nbdkit runs",
	.config = xenblk_config,
	.config_complete = xenblk_config_complete,
	.config_help = xenblk_config_help,
	.magic_config_key = "dev",
	.after_fork = xenblk_after_fork,
	.cleanup = xenblk_cleanup,
	.open = xenblk_open,
	.get_size = xenblk_get_size,
	.can_write = xenblk_can_write,
	.can_flush = xenblk_can_flush,
	.can_trim = xenblk_can_trim,
	.can_fua = xenblk_can_fua,
	.can_multi_conn = xenblk_can_multi_conn,
	.block_size = xenblk_block_size,
	.pread = xenblk_pread,
	.pwrite = xenblk_pwrite,
	.flush = xenblk_flush,
	.trim = xenblk_trim,
};

struct nbdkit_plugin *plugin_init(void); /* what the next line defines; nbdkit calls it */
NBDKIT_REGISTER_PLUGIN(plugin)
