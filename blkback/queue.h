/* SPDX-License-Identifier: MIT */
/*
 * One queue of a virtual disk: a ring, an event channel, the disk, and the requests between them,
 * all on one thread.  queue.c has its turns, request_run.c what it does with one request.
 */
#ifndef BLKBACK_QUEUE_H
#define BLKBACK_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "blkback/blkring.h"
#include "blkback/buffer.h"
#include "blkback/disk.h"
#include "blkback/journal.h"
#include "common/limit.h"
#include "blkback/request.h"
#include "common/grant.h"
#include "common/grant_cache.h"
#include "common/stats.h"
#include "common/thread.h"

enum {
	/* Segments that are worth a copy: of one hypercall (Linux' gntdev.c, GNTDEV_COPY_BATCH). */
	REQUESTS_COPY = 16,
};

/* What the guest named for one queue. */
struct queue_nodes {
	uint32_t ring_refs[BLKRING_PAGES_MAX];
	uint32_t event_channel;
};

/* How to connect a queue; lives until told() was called. */
struct queue_connect {
	const struct disk_spec *disk;
	const int *fds; /* the disk's, the vbd's own */
	uint32_t nfds;
	const struct abi *abi;
	uint32_t ring_order;
	bool persistent; /* the guest uses persistent grants */
	void *journal;	 /* the vbd's memory for it; NULL: none */
	bool resume;	 /* an earlier worker was at this ring: go on with what its journal says */
	bool suspect;	 /* and was ended by what it did: find out which request it was */
	bool *trial;	 /* trial.h: the worker's */
	struct queue_nodes nodes;
};

/*
 * Owned by its vbd, which touches only what is marked as its, or before the queue is connected and
 * after it is closed.  The rest is the thread's.
 */
struct queue {
	struct loop_hook hook; /* first: the loop knows a queue by it */
	struct port port;
	struct vbd *vbd;
	struct thread *main;   /* the worker's, which is told of what happens here */
	struct thread *thread; /* ours */
	uint32_t devid, index;
	struct queue_connect connect;
	/* All called on the main thread. */
	void (*connected)(void *queue); /* or not: `error`, and `what` was being done */
	void (*resized)(void *queue);
	void (*tuned)(void *queue);  /* obeys next_limit */
	void (*broken)(void *queue); /* takes nothing more: `reason` */
	void (*closed)(void *queue); /* nothing is mapped or under way any more */
	struct limit *next_limit;    /* the vbd's to set, before queue_tune() */
	int error;
	const char *what;
	const char *reason;

	struct limit *limit;		/* the vbd's, shared with its other queues */
	struct limit_look look;		/* at it */
	struct loop_timer *limit_timer; /* when to look again; NULL: it may take requests */
	struct stats_queue *stats;	/* the vbd's, written by the thread only */
	const struct stats *all_stats;	/* the vbd's */
	uint64_t now_ns; /* the time, as far as this turn knows; 0: look at the clock */
	struct blkring ring;
	struct disk *disk;
	struct grant_batch batch;
	struct grant_cache grants; /* if connect.persistent */
	struct buffer_pool buffers;
	struct journal journal;
	struct request *requests; /* ring.slots of them */
	struct request *free;
	struct request *answered;      /* their responses are written, and not yet pushed */
	struct request *copying;       /* in the batch */
	struct request **copying_tail; /* first come, first answered */
	struct request *copied;	       /* to go on with */
	struct request *barrier;       /* taken and waiting, or under way: nothing else starts */
	struct request *roomless;      /* taken and waiting for chunks: nothing else is taken */
	uint32_t replay_cons; /* req_cons when it was connected, to which replay_age refers */
	uint32_t replay_age;  /* of the journal's requests, those older than this were started */
	int replay;	      /* the next one to start; -1: none */
	bool on_trial;	      /* a replayed request is, `tried` */
	uint32_t tried;
	struct loop_timer *trial_timer; /* the trial's end, or when to look for another's */
	uint32_t under_way;
	uint32_t at_disk;	  /* of them, those that the disk has */
	uint32_t depth;		  /* how many requests the guest keeps going, as far as seen */
	uint32_t turns;		  /* that took requests */
	uint64_t gather_since_ns; /* 0: not gathering */
	bool more;		  /* this turn has requests still to take */
	bool due;		  /* gathered long enough: take what is there */
	bool rests;		  /* idle: its hook is not the loop's until it is kicked */
	bool failed;		  /* takes nothing more */
	bool closing;		  /* takes nothing more; goes when nothing is under way */
};

/*
 * The time for statistics.  A look at the clock is good until the turn ends or its copies are done,
 * so latencies are told to a part of a turn, some microseconds, at two looks a turn.
 */
static inline uint64_t queue_now(struct queue *queue)
{
	if (queue->now_ns == 0)
		queue->now_ns = loop_now_ns();
	return queue->now_ns;
}

/* ---- queue.c: thread_call() has the thread make the first four ------------------------------- */

/* Takes what queue->connect names and starts serving.  Ends with connected(). */
void queue_connect(void *queue);
/* Takes the size that connect.disk has by now.  Ends with resized(). */
void queue_resize(void *queue);
/* Obeys queue->next_limit from now on.  Ends with tuned(). */
void queue_tune(void *queue);
/* Takes no more, finishes what is under way, lets go of all.  Ends with closed(). */
void queue_close(void *queue);

/* Stops taking requests; the first reason counts. */
void queue_break(struct queue *queue, const char *reason);

/* ---- request_run.c ------------------------------------------------------------------------ */

/* Gives each slot its request; those that the journal holds are not free.  0 or -ENOMEM. */
int requests_init(struct queue *queue);
/* Takes the next request off the ring and starts it.  There is one, and a free one for it. */
void request_take(struct queue *queue);
/* Starts the journal's request queue->replay as if it had just been taken. */
void request_replay(struct queue *queue);
/* All responses were pushed: their requests are free. */
void requests_retire(struct queue *queue);
/* Starts what had to wait, if it need not any more. */
void request_retry(struct queue *queue);
/*
 * Does all copies that requests wait for, in one call, and goes on with them until REQUESTS_COPY
 * segments wait for the next.  True if it is to be called again.
 */
bool requests_copy(struct queue *queue);

#endif
