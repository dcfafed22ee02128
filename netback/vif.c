// SPDX-License-Identifier: MIT
/*
 * A virtual NIC as the worker's main thread sees it: its queues, each on the thread that it was
 * given, and the descriptors of the tap.  Owns both; lives until the last queue is closed.
 *
 * It asks its queues to connect or to close, waits until all have answered, and answers the
 * supervisor.  One that can't connect takes the others with it.  It never looks at a data ring.
 */
#include "netback/vif.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/runfile.h"

struct vif {
	struct worker *worker;
	struct vif *next; /* in worker->devices */
	uint32_t devid;
	uint32_t serial;
	struct stats stats;
	void *journal; /* NULL: none */
	size_t journal_bytes;
	int fds[VIF_QUEUES_MAX]; /* the tap's queues */
	uint32_t awaited;	 /* queues that have yet to answer what was asked of them */
	bool connecting;
	bool closing;
	bool broken;		 /* the supervisor was told */
	char why[CHAN_TEXT_MAX]; /* it could not be connected; "" else */
	uint32_t queue_count;
	struct netq queues[];
};

static void vif_ask(struct vif *vif, void (*call)(void *queue))
{
	vif->awaited = vif->queue_count;
	for (uint32_t i = 0; i < vif->queue_count; i++)
		thread_call(vif->queues[i].thread, call, &vif->queues[i]);
}

static void vif_close(struct vif *vif)
{
	bool now = !vif->closing && !vif->connecting;

	vif->closing = true;
	if (now)
		vif_ask(vif, netq_close);
}

static void vif_let_go(struct vif *vif)
{
	struct worker *worker = vif->worker;

	for (struct vif **p = (struct vif **)&worker->devices; *p; p = &(*p)->next)
		if (*p == vif) {
			*p = vif->next;
			break;
		}
	for (uint32_t i = 0; i < vif->queue_count; i++) {
		close(vif->fds[i]);
		worker_thread_put(vif->queues[i].thread);
	}
	stats_unmap(&vif->stats);
	/* With the mapping goes the lock that keeps the next worker away. */
	runfile_unmap(vif->journal, vif->journal_bytes);
}

/* ---- what queues answer ------------------------------------------------------------------ */

static void vif_connected(void *arg)
{
	struct netq *queue = arg;
	struct vif *vif = queue->vif;
	bool asked = vif->closing; /* while it was connecting */

	/* Its guest is being served: rather another worker, a little later, than an error. */
	if (queue->error == -ENOMEM && queue->connect.resume)
		log_panic("vif %u: can't %s: out of memory", vif->devid, queue->what);
	if (queue->error < 0)
		snprintf(vif->why, sizeof(vif->why), "can't %s: %s", queue->what,
			 strerror(-queue->error));
	if (--vif->awaited > 0)
		return;
	vif->connecting = false;
	vif->closing = false;
	if (vif->why[0])
		vif_close(vif);
	else
		worker_answer(CHAN_CONNECTED, vif->devid, vif->serial, NULL);
	if (asked)
		vif_close(vif);
}

static void vif_broken(void *arg)
{
	struct netq *queue = arg;
	struct vif *vif = queue->vif;
	char text[CHAN_TEXT_MAX];

	snprintf(text, sizeof(text), "the guest %s", queue->reason);
	if (!vif->broken && !vif->closing && !vif->why[0])
		worker_answer(CHAN_FAILED, vif->devid, vif->serial, text);
	vif->broken = true;
}

static void vif_closed(void *arg)
{
	struct netq *queue = arg;
	struct vif *vif = queue->vif;
	struct worker *worker = vif->worker;
	const char *why = vif->why[0] ? vif->why : NULL;

	if (--vif->awaited > 0)
		return;
	vif_let_go(vif);
	worker_answer(why ? CHAN_FAILED : CHAN_CLOSED, vif->devid, vif->serial, why);
	free(vif);
	worker_device_gone(worker);
}

/* ---- what the supervisor asks ------------------------------------------------------------ */

static struct vif *vif_find(const struct worker *worker, uint32_t devid)
{
	for (struct vif *vif = worker->devices; vif; vif = vif->next)
		if (vif->devid == devid)
			return vif;
	return NULL;
}

size_t vif_journal_bytes(const struct vif_connect *connect)
{
	(void)connect;
	return sizeof(struct resume_header);
}

static void vif_map_journal(struct vif *vif, const struct vif_connect *connect, int fd)
{
	vif->journal_bytes = vif_journal_bytes(connect);
	vif->journal = runfile_map(fd, vif->journal_bytes);
	if (fd >= 0 && !vif->journal)
		log_warn("vif %u: can't map its journal: %s", vif->devid, strerror(errno));
}

static void vif_queue_init(struct vif *vif, uint32_t index, const struct vif_connect *connect)
{
	struct netq *queue = &vif->queues[index];

	queue->vif = vif;
	queue->devid = vif->devid;
	queue->index = index;
	queue->main = &vif->worker->threads[0];
	queue->thread = worker_thread_get(vif->worker);
	queue->stats = &vif->stats.file->queue[index];
	queue->connected = vif_connected;
	queue->broken = vif_broken;
	queue->closed = vif_closed;
	queue->connect = (struct netq_connect){
		.fd = vif->fds[index],
		.features = connect->features,
		.resume = connect->resume,
		.nodes = connect->nodes[index],
	};
}

static void vif_handle_connect(struct worker *worker, struct chan_msg *msg)
{
	struct vif_connect connect;
	struct vif *vif;
	int stats = chan_take_stats(msg), journal = chan_take_journal(msg);

	memcpy(&connect, msg->body, sizeof(connect));
	if (connect.queues < 1 || connect.queues > VIF_QUEUES_MAX || msg->nfds != connect.queues ||
	    vif_find(worker, msg->devid))
		log_panic("can't connect vif %u with %u queues and %u descriptors", msg->devid,
			  connect.queues, msg->nfds);
	vif = calloc(1, sizeof(*vif) + connect.queues * sizeof(vif->queues[0]));
	if (!vif || stats_map(&vif->stats, stats, connect.queues) < 0)
		log_panic("out of memory");
	vif->worker = worker;
	vif->devid = msg->devid;
	vif->serial = msg->serial;
	vif_map_journal(vif, &connect, journal);
	memcpy(vif->fds, msg->fds, sizeof(vif->fds));
	vif->queue_count = connect.queues;
	for (uint32_t i = 0; i < connect.queues; i++)
		vif_queue_init(vif, i, &connect);
	vif->next = worker->devices;
	worker->devices = vif;
	vif->connecting = true;
	vif_ask(vif, netq_connect);
}

static void vif_handle_tune(struct worker *worker, const struct chan_msg *msg)
{
	(void)worker;
	(void)msg;
}

static void vif_handle_close(struct worker *worker, uint32_t devid)
{
	struct vif *vif = vif_find(worker, devid);

	/* Not here: its connect failed, and that was told. */
	if (vif)
		vif_close(vif);
	else
		worker_answer(CHAN_CLOSED, devid, 0, NULL);
}

/* A NIC has no size: its supervisor does not ask for another. */
static void vif_handle_resize(struct worker *worker, const struct chan_msg *msg)
{
	(void)worker;
	log_panic("the supervisor resizes vif %u", msg->devid);
}

static void vif_handle_close_all(struct worker *worker)
{
	for (struct vif *vif = worker->devices; vif; vif = vif->next)
		vif_close(vif);
}

const struct worker_ops vif_worker_ops = {
	.connect = vif_handle_connect,
	.tune = vif_handle_tune,
	.close = vif_handle_close,
	.resize = vif_handle_resize,
	.close_all = vif_handle_close_all,
	.filters = {netq_filters[LOOP_URING], netq_filters[LOOP_EPOLL]},
};
