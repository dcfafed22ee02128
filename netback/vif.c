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
#include "netback/ctrl.h"
#include "netback/steer.h"

struct vif {
	struct worker *worker;
	struct vif *next; /* in worker->devices */
	uint32_t devid;
	uint32_t serial;
	struct stats stats;
	void *journal; /* NULL: none */
	size_t journal_bytes;
	struct vif_state *state; /* in the journal, or memory of our own */
	struct vif_config configs[2];
	struct limit limits[2][2];
	struct vif_config *config; /* of the two, the one that all queues obey, or change over to */
	struct vif_settings wanted;
	uint32_t configuring; /* queues that have yet to change over */
	bool configure_again; /* something changed meanwhile */
	bool tuned;	      /* the supervisor waits to hear that they have */
	uint32_t stalled;     /* queues whose guest offers no slots */
	struct steer *steer;  /* NULL: one queue, or no BPF */
	int steer_program;
	bool has_ctrl;
	uint32_t ctrl_ref, ctrl_port;
	struct ctrl ctrl;
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
	vif->ctrl.failed = true; /* takes no more messages */
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
	if (vif->has_ctrl)
		ctrl_close(&vif->ctrl);
	if (vif->steer_program >= 0)
		close(vif->steer_program);
	steer_unmap(vif->steer);
	stats_unmap(&vif->stats);
	if (!vif->journal)
		free(vif->state);
	/* With the mapping goes the lock that keeps the next worker away. */
	runfile_unmap(vif->journal, vif->journal_bytes);
}

/* ---- configurations ----------------------------------------------------------------------- */

/* Rates that did not change keep what was spent of them. */
static void config_limits(struct vif *vif, struct vif_config *next, const struct vif_config *last)
{
	const struct vif_settings *was = &last->settings;
	int side = last->tx == &vif->limits[0][0];

	next->tx = last->tx;
	next->rx = last->rx;
	if (last->tx && memcmp(&was->tx, &next->settings.tx, sizeof(was->tx)) == 0 &&
	    memcmp(&was->rx, &next->settings.rx, sizeof(was->rx)) == 0)
		return;
	next->tx = &vif->limits[side][0];
	next->rx = &vif->limits[side][1];
	limit_init(next->tx, &next->settings.tx, loop_now_ns());
	limit_init(next->rx, &next->settings.rx, loop_now_ns());
}

/* The one that is not in use becomes what is wanted now. */
static void config_make(struct vif *vif)
{
	const struct vif_config *last = vif->config;

	vif->config = &vif->configs[last == &vif->configs[0]];
	vif->config->settings = vif->wanted;
	vif->config->hash = vif->state->hash;
	config_limits(vif, vif->config, last);
}

/* The queues change over one by one; until the last has, none of both can be made anew. */
static void vif_configure(struct vif *vif)
{
	vif->configure_again = vif->configuring > 0;
	if (vif->configuring > 0 || vif->closing)
		return;
	config_make(vif);
	vif->configuring = vif->queue_count;
	for (uint32_t i = 0; i < vif->queue_count; i++) {
		vif->queues[i].next_config = vif->config;
		thread_call(vif->queues[i].thread, netq_configure, &vif->queues[i]);
	}
}

static void vif_configured(void *arg)
{
	struct vif *vif = ((struct netq *)arg)->vif;

	if (--vif->configuring > 0)
		return;
	if (vif->configure_again) {
		vif_configure(vif);
		return;
	}
	ctrl_done(&vif->ctrl);
	if (vif->tuned)
		worker_answer(CHAN_TUNED, vif->devid, vif->serial, NULL);
	vif->tuned = false;
}

static void vif_steer(struct vif *vif)
{
	int err = steer_set(vif->steer, vif->fds[0], vif->steer_program, &vif->state->hash);

	if (err < 0)
		log_warn("vif %u: can't steer packets by its guest's hash: %s", vif->devid,
			 strerror(-err));
}

static void vif_hash_changed(struct ctrl *ctrl)
{
	struct vif *vif = ctrl->vif;

	vif->state->hash = ctrl->hash;
	vif_steer(vif);
	vif_configure(vif);
}

/* ---- what queues answer ------------------------------------------------------------------ */

static void vif_ctrl_broken(struct ctrl *ctrl, const char *reason)
{
	struct vif *vif = ctrl->vif;
	char text[CHAN_TEXT_MAX];

	snprintf(text, sizeof(text), "the guest %s", reason);
	if (!vif->broken && !vif->closing)
		worker_answer(CHAN_FAILED, vif->devid, vif->serial, text);
	vif->broken = true;
}

/* It can't be connected.  Its guest is being served: rather another worker, a little later. */
static void vif_failed(struct vif *vif, const char *what, int err)
{
	if (err == -ENOMEM && vif->queues[0].connect.resume)
		log_panic("vif %u: can't %s: out of memory", vif->devid, what);
	snprintf(vif->why, sizeof(vif->why), "can't %s: %s", what, strerror(-err));
}

static void vif_open_ctrl(struct vif *vif, uint32_t ref, uint32_t port)
{
	const char *what;
	int err;

	vif->ctrl.thread = &vif->worker->threads[0];
	vif->ctrl.devid = vif->devid;
	vif->ctrl.answers = &vif->state->ctrl;
	vif->ctrl.queues = vif->queues;
	vif->ctrl.queue_count = vif->queue_count;
	vif->ctrl.hash = vif->state->hash;
	vif->ctrl.changed = vif_hash_changed;
	vif->ctrl.broken = vif_ctrl_broken;
	vif->ctrl.vif = vif;
	err = ctrl_open(&vif->ctrl, ref, port, vif->queues[0].connect.resume, &what);
	if (err < 0)
		vif_failed(vif, what, err);
}

static void vif_connected(void *arg)
{
	struct netq *queue = arg;
	struct vif *vif = queue->vif;
	bool asked = vif->closing; /* while it was connecting */

	if (queue->error < 0)
		vif_failed(vif, queue->what, queue->error);
	if (--vif->awaited > 0)
		return;
	vif->connecting = false;
	vif->closing = false;
	if (!vif->why[0] && vif->has_ctrl)
		vif_open_ctrl(vif, vif->ctrl_ref, vif->ctrl_port);
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
	return sizeof(struct resume_header) + sizeof(struct vif_state) +
	       connect->queues * sizeof(struct vif_queue_state);
}

/* What the guest has told is in the journal; without one it is lost with the worker. */
static void vif_map_state(struct vif *vif, const struct vif_connect *connect, int fd)
{
	vif->journal_bytes = vif_journal_bytes(connect);
	vif->journal = runfile_map(fd, vif->journal_bytes);
	if (fd >= 0 && !vif->journal)
		log_warn("vif %u: can't map its journal: %s", vif->devid, strerror(errno));
	if (vif->journal)
		vif->state =
			(struct vif_state *)((char *)vif->journal + sizeof(struct resume_header));
	else
		vif->state = calloc(1, vif->journal_bytes - sizeof(struct resume_header));
	if (!vif->state)
		log_panic("out of memory");
	vif->wanted = connect->settings;
	if (!connect->resume) {
		vif->state->multicast = vif->wanted.multicast;
		vif->state->headroom = vif->wanted.headroom;
	}
	/* The worker before this one is not to be believed more than this guest. */
	if (!hash_is_valid(&vif->state->hash, connect->queues))
		memset(&vif->state->hash, 0, sizeof(vif->state->hash));
	if (vif->state->headroom > HEADROOM_USED_MAX)
		vif->state->headroom = 0;
	vif->wanted.multicast = vif->state->multicast;
	vif->wanted.headroom = vif->state->headroom;
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
	queue->configured = vif_configured;
	queue->config = vif->config;
	queue->connect = (struct netq_connect){
		.fd = vif->fds[index],
		.features = connect->features,
		.resume = connect->resume,
		.mcast = &vif->state->mcast,
		.state = &vif->state->queues[index],
		.stalled = &vif->stalled,
		.nodes = connect->nodes[index],
	};
}

static void vif_handle_connect(struct worker *worker, struct chan_msg *msg)
{
	struct vif_connect connect;
	struct vif *vif;
	int stats = chan_take_stats(msg), journal = chan_take_journal(msg);

	memcpy(&connect, msg->body, sizeof(connect));
	if (connect.queues < 1 || connect.queues > VIF_QUEUES_MAX || connect.steer > 1 ||
	    msg->nfds != connect.queues + 2 * connect.steer || vif_find(worker, msg->devid))
		log_panic("can't connect vif %u with %u queues and %u descriptors", msg->devid,
			  connect.queues, msg->nfds);
	vif = calloc(1, sizeof(*vif) + connect.queues * sizeof(vif->queues[0]));
	if (!vif || stats_map(&vif->stats, stats, connect.queues) < 0)
		log_panic("out of memory");
	vif->worker = worker;
	vif->devid = msg->devid;
	vif->serial = msg->serial;
	vif_map_state(vif, &connect, journal);
	vif->config = &vif->configs[1];
	config_make(vif);
	vif->has_ctrl = connect.has_ctrl;
	vif->ctrl_ref = connect.ctrl_ref;
	vif->ctrl_port = connect.ctrl_port;
	memcpy(vif->fds, msg->fds, connect.queues * sizeof(vif->fds[0]));
	vif->steer_program = connect.steer ? msg->fds[connect.queues] : -1;
	vif->steer = steer_map(connect.steer ? msg->fds[connect.queues + 1] : -1);
	vif_steer(vif);
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
	struct vif *vif = vif_find(worker, msg->devid);

	/* A queue that is asked to close answers nothing else after that. */
	if (!vif || vif->serial != msg->serial || vif->closing || vif->connecting)
		return;
	memcpy(&vif->wanted, msg->body, sizeof(vif->wanted));
	if (vif->wanted.set_headroom)
		vif->state->headroom = vif->wanted.headroom;
	vif->state->multicast = vif->wanted.multicast;
	vif->wanted.headroom = vif->state->headroom;
	vif->tuned = true;
	vif_configure(vif);
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
