// SPDX-License-Identifier: MIT
/*
 * A virtual disk as the worker's main thread sees it: its queues, each on the thread that it was
 * given, and the descriptors that they share.  Owns both; lives until the last queue is closed.
 *
 * It asks its queues to connect or to close, waits until all have answered, and answers the
 * supervisor.  One that can't connect takes the others with it.  It never looks at a ring.
 */
#include "blkback/vbd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blkback/disk_filters.h"
#include "common/log.h"
#include "common/runfile.h"

struct vbd {
	struct worker *worker;
	struct vbd *next; /* in worker->devices */
	uint32_t devid;
	uint32_t serial;
	struct disk_spec disk;
	struct stats stats;
	void *journal; /* NULL: none */
	size_t journal_bytes;
	struct limit limits[2]; /* of which the queues obey one; the other is for the next */
	struct limit *limit;	/* that one */
	struct limit_spec wanted;
	uint32_t tuning; /* queues that have yet to change to the new one */
	bool tune_again; /* since it changed meanwhile */
	int fds[2];	 /* the disk's */
	uint32_t nfds;
	uint32_t awaited; /* queues that have yet to answer what was asked of them */
	bool connecting;
	bool closing;
	bool broken;		 /* the supervisor was told */
	char why[CHAN_TEXT_MAX]; /* it could not be connected; "" else */
	uint32_t queue_count;
	struct queue queues[];
};

static bool vbd_trial; /* trial.h: of all the worker's queues, on whatever thread */

static void vbd_ask(struct vbd *vbd, void (*call)(void *queue))
{
	vbd->awaited = vbd->queue_count;
	for (uint32_t i = 0; i < vbd->queue_count; i++)
		thread_call(vbd->queues[i].thread, call, &vbd->queues[i]);
}

static void vbd_close(struct vbd *vbd)
{
	bool now = !vbd->closing && !vbd->connecting;

	vbd->closing = true;
	if (now)
		vbd_ask(vbd, queue_close);
}

static void vbd_let_go(struct vbd *vbd)
{
	struct worker *worker = vbd->worker;

	for (struct vbd **p = (struct vbd **)&worker->devices; *p; p = &(*p)->next)
		if (*p == vbd) {
			*p = vbd->next;
			break;
		}
	for (uint32_t i = 0; i < vbd->nfds; i++)
		close(vbd->fds[i]);
	for (uint32_t i = 0; i < vbd->queue_count; i++)
		worker_thread_put(vbd->queues[i].thread);
	stats_unmap(&vbd->stats);
	/* With the mapping goes the lock that keeps the next worker away. */
	runfile_unmap(vbd->journal, vbd->journal_bytes);
}

/* ---- limits ------------------------------------------------------------------------------- */

/* The queues change over one by one; until the last has, none of both limits can be made anew. */
static void vbd_tune(struct vbd *vbd)
{
	vbd->tune_again = vbd->tuning > 0;
	if (vbd->tuning > 0)
		return;
	vbd->limit = &vbd->limits[vbd->limit == &vbd->limits[0]];
	limit_init(vbd->limit, &vbd->wanted, loop_now_ns());
	vbd->tuning = vbd->queue_count;
	for (uint32_t i = 0; i < vbd->queue_count; i++) {
		vbd->queues[i].next_limit = vbd->limit;
		thread_call(vbd->queues[i].thread, queue_tune, &vbd->queues[i]);
	}
}

static void vbd_tuned(void *arg)
{
	struct vbd *vbd = ((struct queue *)arg)->vbd;

	if (--vbd->tuning == 0 && vbd->tune_again)
		vbd_tune(vbd);
}

/* ---- what queues answer ------------------------------------------------------------------ */

static void vbd_connected(void *arg)
{
	struct queue *queue = arg;
	struct vbd *vbd = queue->vbd;
	bool asked = vbd->closing; /* while it was connecting */

	/* Its guest is being served: rather another worker, a little later, than an error. */
	if (queue->error == -ENOMEM && queue->connect.resume)
		log_panic("vbd %u: can't %s: out of memory", vbd->devid, queue->what);
	if (queue->error < 0)
		snprintf(vbd->why, sizeof(vbd->why), "can't %s: %s", queue->what,
			 strerror(-queue->error));
	if (--vbd->awaited > 0)
		return;
	vbd->connecting = false;
	vbd->closing = false;
	if (vbd->why[0])
		vbd_close(vbd);
	else
		worker_answer(CHAN_CONNECTED, vbd->devid, vbd->serial, NULL);
	if (asked)
		vbd_close(vbd);
}

/* A close that was asked meanwhile counts its own answers. */
static void vbd_resized(void *arg)
{
	struct queue *queue = arg;
	struct vbd *vbd = queue->vbd;

	if (!vbd->closing && --vbd->awaited == 0)
		worker_answer(CHAN_RESIZED, vbd->devid, vbd->serial, NULL);
}

static void vbd_broken(void *arg)
{
	struct queue *queue = arg;
	struct vbd *vbd = queue->vbd;

	if (!vbd->broken && !vbd->closing && !vbd->why[0])
		worker_answer(CHAN_FAILED, vbd->devid, vbd->serial, queue->reason);
	vbd->broken = true;
}

static void vbd_closed(void *arg)
{
	struct queue *queue = arg;
	struct vbd *vbd = queue->vbd;
	struct worker *worker = vbd->worker;
	const char *why = vbd->why[0] ? vbd->why : NULL;

	if (--vbd->awaited > 0)
		return;
	vbd_let_go(vbd);
	worker_answer(why ? CHAN_FAILED : CHAN_CLOSED, vbd->devid, vbd->serial, why);
	free(vbd);
	worker_device_gone(worker);
}

/* ---- what the supervisor asks ------------------------------------------------------------ */

static struct vbd *vbd_find(const struct worker *worker, uint32_t devid)
{
	for (struct vbd *vbd = worker->devices; vbd; vbd = vbd->next)
		if (vbd->devid == devid)
			return vbd;
	return NULL;
}

size_t vbd_journal_bytes(const struct vbd_connect *connect)
{
	uint32_t slots = blkring_slots(connect->ring_order, &abis[connect->abi % ABI_COUNT]);

	return sizeof(struct resume_header) + connect->queues * journal_bytes(slots);
}

static void vbd_map_journal(struct vbd *vbd, const struct vbd_connect *connect, int fd)
{
	vbd->journal_bytes = vbd_journal_bytes(connect);
	vbd->journal = runfile_map(fd, vbd->journal_bytes);
	if (fd >= 0 && !vbd->journal)
		log_warn("vbd %u: can't map its journal: %s", vbd->devid, strerror(errno));
}

/* The queue's part of it. */
static void *vbd_journal(const struct vbd *vbd, uint32_t index)
{
	size_t head = sizeof(struct resume_header);

	if (!vbd->journal)
		return NULL;
	return (char *)vbd->journal + head +
	       index * ((vbd->journal_bytes - head) / vbd->queue_count);
}

static void vbd_queue_init(struct vbd *vbd, uint32_t index, const struct vbd_connect *connect)
{
	struct queue *queue = &vbd->queues[index];

	queue->vbd = vbd;
	queue->devid = vbd->devid;
	queue->index = index;
	queue->main = &vbd->worker->threads[0];
	queue->thread = worker_thread_get(vbd->worker);
	queue->all_stats = &vbd->stats;
	queue->stats = &vbd->stats.file->queue[index];
	queue->connected = vbd_connected;
	queue->resized = vbd_resized;
	queue->broken = vbd_broken;
	queue->closed = vbd_closed;
	queue->tuned = vbd_tuned;
	queue->limit = vbd->limit;
	queue->connect = (struct queue_connect){
		.disk = &vbd->disk,
		.fds = vbd->fds,
		.nfds = vbd->nfds,
		.abi = &abis[connect->abi % ABI_COUNT],
		.ring_order = connect->ring_order,
		.persistent = connect->persistent,
		.journal = vbd_journal(vbd, index),
		.resume = connect->resume,
		.suspect = connect->suspect,
		.trial = &vbd_trial,
		.nodes = connect->nodes[index],
	};
}

static void vbd_handle_connect(struct worker *worker, struct chan_msg *msg)
{
	struct vbd_connect connect;
	struct vbd *vbd;

	memcpy(&connect, msg->body, sizeof(connect));
	if (connect.queues < 1 || connect.queues > VBD_QUEUES_MAX ||
	    connect.ring_order > BLKRING_ORDER_MAX || vbd_find(worker, msg->devid))
		log_panic("can't connect vbd %u with %u queues", msg->devid, connect.queues);
	vbd = calloc(1, sizeof(*vbd) + connect.queues * sizeof(vbd->queues[0]));
	if (!vbd || stats_map(&vbd->stats, chan_take_stats(msg), connect.queues) < 0)
		log_panic("out of memory");
	vbd->worker = worker;
	vbd->devid = msg->devid;
	vbd->serial = msg->serial;
	vbd->disk = connect.disk;
	vbd_map_journal(vbd, &connect, chan_take_journal(msg));
	memcpy(vbd->fds, msg->fds, sizeof(vbd->fds));
	vbd->nfds = msg->nfds;
	vbd->limit = &vbd->limits[0];
	limit_init(vbd->limit, &connect.limit, loop_now_ns());
	vbd->queue_count = connect.queues;
	for (uint32_t i = 0; i < connect.queues; i++)
		vbd_queue_init(vbd, i, &connect);
	vbd->next = worker->devices;
	worker->devices = vbd;
	vbd->connecting = true;
	vbd_ask(vbd, queue_connect);
}

static void vbd_handle_tune(struct worker *worker, const struct chan_msg *msg)
{
	struct vbd *vbd = vbd_find(worker, msg->devid);

	/* A queue that is asked to close answers nothing else after that. */
	if (!vbd || vbd->serial != msg->serial || vbd->closing || vbd->connecting)
		return;
	memcpy(&vbd->wanted, msg->body, sizeof(vbd->wanted));
	vbd_tune(vbd);
}

static void vbd_handle_close(struct worker *worker, uint32_t devid)
{
	struct vbd *vbd = vbd_find(worker, devid);

	/* Not here: its connect failed, and that was told. */
	if (vbd)
		vbd_close(vbd);
	else
		worker_answer(CHAN_CLOSED, devid, 0, NULL);
}

/* The queues are open: a device is connected before it is resized, and closed after. */
static void vbd_handle_resize(struct worker *worker, const struct chan_msg *msg)
{
	struct vbd *vbd = vbd_find(worker, msg->devid);
	struct vbd_resize resize;

	memcpy(&resize, msg->body, sizeof(resize));
	if (!vbd || vbd->connecting || vbd->closing)
		return;
	vbd->disk.sectors = resize.sectors;
	vbd_ask(vbd, queue_resize);
}

static void vbd_handle_close_all(struct worker *worker)
{
	for (struct vbd *vbd = worker->devices; vbd; vbd = vbd->next)
		vbd_close(vbd);
}

const struct worker_ops vbd_worker_ops = {
	.connect = vbd_handle_connect,
	.tune = vbd_handle_tune,
	.close = vbd_handle_close,
	.resize = vbd_handle_resize,
	.close_all = vbd_handle_close_all,
	.filters = {disk_filters[LOOP_URING], disk_filters[LOOP_EPOLL]},
};
