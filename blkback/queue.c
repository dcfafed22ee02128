// SPDX-License-Identifier: MIT
/*
 * A queue's turns, and how it is connected and closed.  It lives on one thread, which may serve
 * other queues, too; a disk with several queues has them on several threads, and nothing of one is
 * touched by another.
 *
 * One turn (queue_turn) takes all requests that are there.  Whenever enough of them wait for a copy
 * to fill a hypercall, and at its end, it does all copies between guest and buffers in one call,
 * hands the writes to the disk, and pushes all answers with at most one notification.  Reads went
 * to the disk when they were taken and are copied out when they have completed.
 *
 * Blame: a bad request gets an error response; a broken ring stops the queue (queue_break) and the
 * supervisor closes the device; nothing that the guest does ends the worker.
 */
#include "blkback/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "blkback/trial.h"
#include "common/xentop.h"

enum {
	GATHER_MIN = 4,	     /* don't wait for fewer */
	GATHER_NS = 10000,   /* nor longer: the time in which a guest wakes up and answers */
	PUBLISH_TURNS = 256, /* for whoever looks at a busy disk */
	GATHER_PROBE = 1024, /* turns after which to look for a deeper queue */
};

void queue_break(struct queue *queue, const char *reason)
{
	if (queue->failed || queue->closing)
		return;
	queue->failed = true;
	queue->reason = reason;
	thread_call(queue->main, queue->broken, queue);
}

static bool queue_takes(const struct queue *queue)
{
	return !queue->failed && !queue->closing && !queue->barrier && !queue->roomless &&
	       !queue->limit_timer && !queue->on_trial;
}

/* ---- its limit ---------------------------------------------------------------------------- */

/* The hook's turn, which follows, looks at the ring. */
static void queue_unlimit(void *arg)
{
	struct queue *queue = arg;

	queue->limit_timer = NULL;
}

/*
 * What is over the limit waits in the ring, where it costs nobody anything: the guest is not asked
 * for notifications, and the thread's other rings are served as ever.
 */
static bool queue_within_limit(struct queue *queue)
{
	uint64_t ns;

	if (!limit_any(queue->limit) || limit_open(queue->limit, &queue->look))
		return true;
	ns = limit_wait_ns(queue->limit, &queue->look);
	queue->limit_timer = loop_timer_add(
		&queue->thread->loop, (uint32_t)((ns + 999999) / 1000000), queue_unlimit, queue);
	stats_add(&queue->stats->limited, 1);
	return false;
}

void queue_tune(void *arg)
{
	struct queue *queue = arg;

	queue->limit = queue->next_limit;
	loop_timer_del(&queue->thread->loop, queue->limit_timer);
	queue->limit_timer = NULL;
	thread_call(queue->main, queue->tuned, queue);
}

/* ---- one turn ----------------------------------------------------------------------------- */

/*
 * A guest that keeps many requests going and a store that answers at once would fall into lockstep,
 * one request and one system call at a time.  So, with nothing else to wait for, the next turn
 * waits a moment until half of what the guest keeps going is there.  The depth follows the guest:
 * what could not be gathered in time lowers it, and a guest with few requests is never made to
 * wait.
 */
static bool queue_gathers(const struct queue *queue)
{
	return queue->at_disk == 0 && queue->depth / 2 >= GATHER_MIN &&
	       ring_peek(&queue->ring.base) < queue->depth / 2;
}

static void queue_follow_depth(struct queue *queue, uint32_t pending)
{
	uint32_t depth = queue->under_way + pending;

	if (depth > queue->depth)
		queue->depth = depth;
	else if (queue->due)
		queue->depth = depth < GATHER_MIN ? depth : (queue->depth + depth) / 2;
	if (queue->turns++ % GATHER_PROBE == 0)
		queue->depth = queue->ring.base.slots;
	queue->due = false;
	queue->gather_since_ns = 0;
}

/* Does all copies that wait, and lets the guest see what is done while we go on with the others. */
static void queue_answer(struct queue *queue)
{
	bool more;

	do {
		more = requests_copy(queue);
		more |= disk_settle(queue->disk);
		if (ring_push(&queue->ring.base)) {
			port_notify(&queue->port);
			stats_add(&queue->stats->notifies, 1);
		}
		requests_retire(queue);
	} while (more);
}

/* ---- what an earlier worker had taken ----------------------------------------------------- */

static void queue_trial_end(struct queue *queue)
{
	queue->on_trial = false;
	loop_timer_del(&queue->thread->loop, queue->trial_timer);
	queue->trial_timer = NULL;
	trial_end(queue->connect.trial);
}

/* The hook's turn, which follows, goes on. */
static void queue_trial_timer(void *arg)
{
	struct queue *queue = arg;

	queue->trial_timer = NULL;
	if (!queue->on_trial)
		return;
	journal_acquit(&queue->journal, queue->tried);
	queue_trial_end(queue);
}

/* True if nothing else is on trial in this worker; else it is looked at again in a moment. */
static bool queue_trial_begin(struct queue *queue)
{
	if (!queue->connect.suspect)
		return true;
	queue->on_trial = trial_begin(queue->connect.trial);
	queue->tried = (uint32_t)queue->replay;
	queue->trial_timer =
		loop_timer_add(&queue->thread->loop, queue->on_trial ? TRIAL_MS : TRIAL_LOOK_MS,
			       queue_trial_timer, queue);
	return queue->on_trial;
}

/*
 * It goes first, oldest first.  If the earlier worker died of one of them, then one at a time: only
 * that one is to be blamed.
 */
static bool queue_replays(const struct queue *queue)
{
	return queue->replay >= 0 && queue_takes(queue) &&
	       !(queue->connect.suspect && (queue->under_way > 0 || queue->trial_timer));
}

static void queue_replay(struct queue *queue)
{
	if (limit_any(queue->limit))
		limit_look(queue->limit, queue_now(queue), &queue->look);
	while (queue_replays(queue) && queue_within_limit(queue) && queue_trial_begin(queue))
		request_replay(queue);
}

/* ---- one turn, as a whole ----------------------------------------------------------------- */

static void queue_consume(struct queue *queue)
{
	int pending;

	if (queue->replay >= 0)
		queue_replay(queue);
	if (queue->replay >= 0)
		return;
	if (!queue_takes(queue) || (!queue->due && queue_gathers(queue)))
		return;
	pending = ring_pending(&queue->ring.base);
	if (pending < 0) {
		queue_break(queue,
			    "the guest's ring is broken: its req_prod is not within the ring");
		return;
	}
	queue_follow_depth(queue, (uint32_t)pending);
	if (pending > 0) {
		stats_add(&queue->stats->turns, 1);
		if (queue->under_way + (uint32_t)pending >= queue->ring.base.slots)
			stats_add(&queue->stats->ring_full, 1);
	}
	if (pending > 0 && limit_any(queue->limit))
		limit_look(queue->limit, queue_now(queue), &queue->look);
	while (pending-- > 0 && queue_takes(queue) && queue_within_limit(queue)) {
		queue->more = pending > 0;
		request_take(queue);
		if (queue->batch.count >= REQUESTS_COPY ||
		    ring_unseen(&queue->ring.base) >= REQUESTS_COPY)
			queue_answer(queue);
	}
	queue->more = false;
}

static void queue_free(struct queue *queue)
{
	loop_hook_del(&queue->thread->loop, &queue->hook);
	loop_timer_del(&queue->thread->loop, queue->limit_timer);
	loop_timer_del(&queue->thread->loop, queue->trial_timer);
	port_unbind(&queue->port);
	ring_unmap(&queue->ring.base, queue->thread->xgt);
	if (queue->disk)
		queue->disk->ops->close(queue->disk);
	grant_batch_free(&queue->batch);
	grant_cache_free(&queue->grants);
	buffer_pool_free(&queue->buffers);
	free(queue->requests);
	thread_call(queue->main, queue->closed, queue);
}

static void queue_turn(struct loop_hook *hook)
{
	struct queue *queue = (struct queue *)hook;

	request_retry(queue);
	queue_consume(queue);
	request_retry(queue);
	queue_answer(queue);
	if (queue->on_trial && queue->under_way == 0)
		queue_trial_end(queue);
	stats_set(&queue->stats->in_flight, queue->under_way);
	queue->now_ns = 0;
	if (queue->turns % PUBLISH_TURNS == 0)
		xentop_publish(queue->all_stats);
	if (queue->closing && queue->under_way == 0)
		queue_free(queue);
}

static bool queue_peek(struct loop_hook *hook)
{
	struct queue *queue = (struct queue *)hook;

	if (queue->closing)
		return queue->under_way == 0;
	if (queue->replay >= 0)
		return queue_replays(queue);
	if (!queue_takes(queue) || ring_peek(&queue->ring.base) == 0)
		return false;
	if (!queue_gathers(queue))
		return true;
	if (queue->gather_since_ns == 0)
		queue->gather_since_ns = loop_now_ns();
	else if (loop_now_ns() - queue->gather_since_ns > GATHER_NS)
		queue->due = true;
	return queue->due;
}

/* With nothing under way and the guest bound to kick us, there is no turn to take until then. */
static void queue_rest(struct queue *queue)
{
	loop_hook_del(&queue->thread->loop, &queue->hook);
	queue->rests = true;
}

static void queue_rouse(struct queue *queue)
{
	if (!queue->rests)
		return;
	queue->rests = false;
	loop_hook_add(&queue->thread->loop, &queue->hook);
}

static bool queue_sleep(struct loop_hook *hook)
{
	struct queue *queue = (struct queue *)hook;

	xentop_publish(queue->all_stats);
	if (queue->replay >= 0)
		return queue_replays(queue);
	if (!queue_takes(queue))
		return false;
	if (ring_sleep(&queue->ring.base)) {
		queue->due = true;
		return true;
	}
	if (queue->under_way == 0)
		queue_rest(queue);
	return false;
}

/* The turn that follows looks at the ring. */
static void queue_kicked(struct port *port)
{
	struct queue *queue = (struct queue *)((char *)port - offsetof(struct queue, port));

	stats_add(&queue->stats->kicks, 1);
	queue_rouse(queue);
}

/* ---- connect and close ------------------------------------------------------------------ */

static int queue_alloc(struct queue *queue)
{
	uint32_t slots = queue->ring.base.slots;
	int err = buffer_pool_init(&queue->buffers, slots);

	if (err == 0)
		err = requests_init(queue);
	if (err == 0)
		err = grant_batch_init(&queue->batch, queue->thread->xgt, queue->thread->domid,
				       buffer_pool_segments(&queue->buffers));
	if (err == 0 && queue->connect.persistent)
		err = grant_cache_init(&queue->grants, queue->thread->xgt, queue->thread->domid);
	return err;
}

/* Begins a journal, or takes up the one that is there. */
static int queue_journal(struct queue *queue)
{
	const struct queue_connect *c = &queue->connect;
	struct ring *ring = &queue->ring.base;
	int err;

	queue->replay = -1;
	if (!c->journal)
		return c->resume ? -ENODATA : 0;
	if (!c->resume) {
		journal_begin(&queue->journal, c->journal, ring->slots, ring->req_cons);
		return 0;
	}
	err = journal_attach(&queue->journal, c->journal, ring->slots, ring->rsp_pushed,
			     &ring->req_cons);
	if (err < 0)
		return err;
	queue->replay_cons = ring->req_cons;
	queue->replay_age = UINT32_MAX;
	queue->replay = journal_next(&queue->journal, ring->req_cons, &queue->replay_age);
	return 0;
}

/* Takes all that the guest named; queue->what says what was being done if it fails. */
static int queue_try_connect(struct queue *queue)
{
	const struct queue_connect *c = &queue->connect;
	struct thread *thread = queue->thread;
	int err;

	queue->what = "open the disk";
	err = disk_open(&queue->disk, &thread->loop, c->disk, c->fds, c->nfds, queue->index);
	if (err < 0)
		return err;
	queue->what = "map the ring that the guest granted";
	err = blkring_map(&queue->ring, thread->xgt, thread->domid, c->nodes.ring_refs,
			  c->ring_order, c->abi, c->resume);
	if (err < 0)
		return err;
	stats_set(&queue->stats->ring_slots, queue->ring.base.slots);
	queue->what = "go on with the journal of the worker before this one";
	err = queue_journal(queue);
	if (err < 0)
		return err;
	queue->what = "allocate the requests";
	err = queue_alloc(queue);
	if (err < 0)
		return err;
	queue->what = "bind the guest's event channel";
	queue->port.kicked = queue_kicked;
	return port_bind(&queue->port, &thread->ports, thread->domid, c->nodes.event_channel);
}

void queue_connect(void *arg)
{
	struct queue *queue = arg;

	queue->hook =
		(struct loop_hook){.turn = queue_turn, .peek = queue_peek, .sleep = queue_sleep};
	queue->error = queue_try_connect(queue);
	if (queue->error == 0) {
		loop_hook_add(&queue->thread->loop, &queue->hook);
		/* What was sent while no backend was bound was dropped: look, and wake the guest
		 * once. */
		port_notify(&queue->port);
	}
	thread_call(queue->main, queue->connected, queue);
}

/* What is under way was held against the old size; a disk never gets smaller. */
void queue_resize(void *arg)
{
	struct queue *queue = arg;

	queue->disk->spec.sectors = queue->connect.disk->sectors;
	thread_call(queue->main, queue->resized, queue);
}

void queue_close(void *arg)
{
	struct queue *queue = arg;

	queue->closing = true;
	queue_rouse(queue);
	/* Not connected: no turn would do it. */
	if (queue->error < 0)
		queue_free(queue);
}
