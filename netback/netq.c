// SPDX-License-Identifier: MIT
/*
 * A queue's turns, and how it is connected and closed.  It lives on one thread, which may serve
 * other queues, too; nothing of one is touched by another.
 *
 * One turn (netq_turn) takes what the guest has sent and what the tap has given, does all copies of
 * both directions in one call, and answers each ring with at most one notification.  What it queues
 * for the tap, writes and reads, is one entry of the kernel together (tapio.c).
 *
 * Blame: a bad packet gets an error; a guest that does not keep to the protocol stops the queue
 * (netq_break) and the supervisor closes the device; nothing that the guest does ends the worker.
 */
#include "netback/netq.h"

#include <errno.h>
#include <stdlib.h>

#include "common/filter.h"
#include "netback/steer.h"

void netq_break(struct netq *queue, const char *reason)
{
	if (queue->failed || queue->closing)
		return;
	queue->failed = true;
	queue->reason = reason;
	thread_call(queue->main, queue->broken, queue);
}

static void netq_free(struct netq *queue)
{
	loop_hook_del(&queue->thread->loop, &queue->hook);
	tapio_close(&queue->tap);
	txq_close(queue);
	rxq_close(queue);
	staging_close(&queue->staging);
	grant_batch_free(&queue->batch);
	thread_call(queue->main, queue->closed, queue);
}

static bool netq_is_idle(const struct netq *queue)
{
	return queue->tx.writing == 0 && tapio_idle(&queue->tap);
}

/* ---- one turn ----------------------------------------------------------------------------- */

static void netq_copy(struct netq *queue)
{
	if (queue->batch.count == 0)
		return;
	stats_add(&queue->stats->copy_calls, 1);
	stats_add(&queue->stats->copy_segments, queue->batch.count);
	stats_add(&queue->stats->copies_refused, grant_batch_run(&queue->batch));
}

static void netq_turn(struct loop_hook *hook)
{
	struct netq *queue = (struct netq *)hook;

	queue->now_ns = 0;
	txq_answer(queue);
	rxq_place(queue);
	txq_take(queue);
	netq_copy(queue);
	rxq_answer(queue);
	txq_send(queue);
	txq_answer(queue);
	if (netq_takes(queue))
		tapio_read(&queue->tap);
	if (queue->tap.gone)
		netq_break(queue, "lost its network interface, which was deleted; attach it again");
	if (!queue->closing)
		return;
	tapio_cancel(&queue->tap);
	if (netq_is_idle(queue))
		netq_free(queue);
}

static bool netq_peek(struct loop_hook *hook)
{
	struct netq *queue = (struct netq *)hook;

	if (queue->closing)
		return netq_is_idle(queue);
	if (queue->failed)
		return false;
	return (queue->tx.writing == 0 && !queue->tx.limit_timer &&
		ring_peek(&queue->tx.ring) > 0) ||
	       rxq_peek(queue);
}

static bool netq_sleep(struct loop_hook *hook)
{
	struct netq *queue = (struct netq *)hook;
	bool work = false;

	if (!netq_takes(queue))
		return false;
	if (queue->tx.writing == 0 && !queue->tx.limit_timer)
		work = ring_sleep(&queue->tx.ring);
	return rxq_sleep(queue) || work;
}

/* The turn that follows looks at the rings; there is nothing else to do. */
static void tx_kicked(struct port *port)
{
	struct netq *queue = (struct netq *)((char *)port - offsetof(struct netq, tx.port));

	stats_add(&queue->stats->kicks, 1);
}

static void rx_kicked(struct port *port)
{
	struct netq *queue = (struct netq *)((char *)port - offsetof(struct netq, rx.port));

	stats_add(&queue->stats->kicks, 1);
}

/* ---- connect and close ------------------------------------------------------------------ */

static int netq_map(struct netq *queue)
{
	const struct netq_connect *c = &queue->connect;
	struct thread *thread = queue->thread;
	int err;

	queue->what = "map the TX ring that the guest granted";
	err = ring_map(&queue->tx.ring, thread->xgt, thread->domid, &c->nodes.tx_ref, 0,
		       sizeof(union netif_tx_sring_entry), c->resume, &c->state->tx);
	if (err < 0)
		return err;
	queue->what = "map the RX ring that the guest granted";
	return ring_map(&queue->rx.ring, thread->xgt, thread->domid, &c->nodes.rx_ref, 0,
			sizeof(union netif_rx_sring_entry), c->resume, &c->state->rx);
}

static int netq_alloc(struct netq *queue)
{
	int err = txq_open(queue);

	queue->what = "allocate its buffers";
	if (err == 0)
		err = rxq_open(queue);
	if (err == 0)
		err = grant_batch_init(&queue->batch, queue->thread->xgt, queue->thread->domid,
				       NETQ_TX_BATCH + NETQ_RX_BATCH);
	if (err == 0)
		err = staging_open(&queue->staging, queue->thread->xgt, queue->thread->domid,
				   queue->connect.state->staged);
	if (err == 0)
		err = tapio_open(&queue->tap, &queue->thread->loop, queue->connect.fd);
	return err;
}

static int netq_bind(struct netq *queue)
{
	const struct netq_nodes *nodes = &queue->connect.nodes;
	struct thread *thread = queue->thread;
	int err;

	queue->what = "bind the guest's event channel";
	queue->tx.port.kicked = tx_kicked;
	queue->rx.port.kicked = rx_kicked;
	err = port_bind(&queue->tx.port, &thread->ports, thread->domid, nodes->port_tx);
	if (err == 0 && nodes->port_rx != nodes->port_tx)
		err = port_bind(&queue->rx.port, &thread->ports, thread->domid, nodes->port_rx);
	return err;
}

void netq_connect(void *arg)
{
	struct netq *queue = arg;

	queue->hook = (struct loop_hook){.turn = netq_turn, .peek = netq_peek, .sleep = netq_sleep};
	queue->error = netq_map(queue);
	if (queue->error == 0)
		queue->error = netq_alloc(queue);
	if (queue->error == 0)
		queue->error = netq_bind(queue);
	if (queue->error == 0) {
		stats_set(&queue->stats->ring_slots, NETQ_SLOTS);
		loop_hook_add(&queue->thread->loop, &queue->hook);
		/* What was sent while no backend was bound was dropped: look, and wake the guest
		 * once. */
		port_notify(&queue->tx.port);
		port_notify(&queue->rx.port);
	}
	thread_call(queue->main, queue->connected, queue);
}

void netq_configure(void *arg)
{
	struct netq *queue = arg;
	bool limits = queue->config->tx != queue->next_config->tx;

	queue->config = queue->next_config;
	if (limits) {
		loop_timer_del(&queue->thread->loop, queue->tx.limit_timer);
		loop_timer_del(&queue->thread->loop, queue->rx.limit_timer);
		queue->tx.limit_timer = queue->rx.limit_timer = NULL;
	}
	thread_call(queue->main, queue->configured, queue);
}

void netq_close(void *arg)
{
	struct netq *queue = arg;

	queue->closing = true;
	tapio_cancel(&queue->tap);
	/* Not connected: no turn would do it. */
	if (queue->error < 0)
		netq_free(queue);
}

const struct filter *const netq_filters[2][4] = {
	[LOOP_URING] = {&tapio_uring_filter, &rxq_filter, &steer_filter},
	[LOOP_EPOLL] = {&tapio_direct_filter, &rxq_filter, &steer_filter},
};
