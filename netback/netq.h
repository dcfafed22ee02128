/* SPDX-License-Identifier: MIT */
/*
 * One queue of a virtual NIC: its two rings, its event channels, its queue of the tap, and the
 * packets between them, all on one thread.  netq.c has its turns, txq.c what the guest sends, rxq.c
 * what it gets.
 */
#ifndef NETBACK_NETQ_H
#define NETBACK_NETQ_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "common/grant.h"
#include "common/ring.h"
#include "common/stats.h"
#include "common/thread.h"
#include "netback/config.h"
#include "netback/staging.h"
#include "netback/tapio.h"
#include "netback/tx_parse.h"

enum {
	NETQ_SLOTS = 256,    /* of either ring, which has one page: netif.h */
	NETQ_TX_BATCH = 128, /* slots that a turn takes */
	NETQ_RX_BATCH = 256, /* slots that a turn fills */
	NETQ_RX_EXTRAS = 3,  /* GSO, hash, XDP */
};

/* What the guest named for one queue. */
struct netq_nodes {
	uint32_t tx_ref, rx_ref;
	uint32_t port_tx, port_rx; /* the same: one event channel for both */
};

/* How to connect a queue; lives until it is closed. */
struct netq_connect {
	int fd;			       /* its queue of the tap, the vif's own */
	uint32_t features;	       /* enum vnet_feature */
	bool resume;		       /* an earlier worker was at these rings */
	struct mcast *mcast;	       /* the vif's, for all its queues */
	struct vif_queue_state *state; /* the vif's, for this queue */
	uint32_t *stalled;	       /* the vif's: how many of its queues are */
	struct netq_nodes nodes;
};

/* A packet under way to the tap. */
struct txq_packet {
	struct op op; /* first */
	struct netq *queue;
	uint32_t slots, extras;
	uint32_t size;
	int error;	/* of its copies */
	int16_t status; /* NETIF_RSP_... */
	bool done;
	uint32_t iov_first, iov_count;
	struct tx_packet tx;
};

/* What the guest sends.  The first `taken` packets are of this batch, in order. */
struct txq {
	struct ring ring;
	struct port port;
	struct txq_packet *packets; /* NETQ_TX_BATCH */
	struct tx_slot *slots;	    /* NETQ_TX_BATCH, copied out of the ring */
	uint8_t *buffers;	    /* a page for each slot */
	uint8_t *heads;		    /* PACKET_HEAD and a vnet header for each packet */
	struct iovec *iov;	    /* two for each slot */
	uint32_t iovs;		    /* used */
	uint32_t pages;		    /* of buffers, used */
	uint64_t taken_ns;	    /* when the batch was */
	uint32_t taken;
	uint32_t sent;			/* of them, those that were handed to the tap or refused */
	uint32_t answered;		/* of them */
	uint32_t writing;		/* under way */
	struct limit_look look;		/* at the limit */
	struct loop_timer *limit_timer; /* when to look again; NULL: it may take packets */
};

/* A slot of the RX ring that this turn fills. */
struct rxq_slot {
	uint16_t id;
	uint16_t offset, flags, size;
	int error; /* of its copy */
	bool is_extra;
	uint32_t frame_len; /* of the first slot of a frame; 0: it belongs to the one before */
	uint64_t waited_ns; /* how long that frame waited for slots */
	struct netif_extra_info extra;
};

/* What the guest gets. */
struct rxq {
	struct ring ring;
	struct port port;
	struct rxq_slot *slots;	       /* NETQ_RX_BATCH */
	uint32_t filled;	       /* of them, in this turn */
	uint32_t needed;	       /* slots that the next frame waits for; 0: none waits */
	struct loop_timer *wait_timer; /* it has waited long enough */
	uint64_t blocked_ns;	       /* since when a frame waits; 0: none does */
	bool dry;		       /* too long: frames are dropped until there are slots */
	bool stalled;		       /* much too long: the interface has no carrier */
	struct limit_look look;
	struct loop_timer *limit_timer; /* NULL: it may take frames */
};

/*
 * Owned by its vif, which touches only what is marked as its, or before the queue is connected and
 * after it is closed.  The rest is the thread's.
 */
struct netq {
	struct loop_hook hook; /* first: the loop knows a queue by it */
	struct vif *vif;
	struct thread *main;   /* the worker's, which is told of what happens here */
	struct thread *thread; /* ours */
	uint32_t devid, index;
	struct netq_connect connect;
	/* All called on the main thread. */
	void (*connected)(void *queue);	      /* or not: `error`, and `what` was being done */
	void (*broken)(void *queue);	      /* takes nothing more: `reason` */
	void (*configured)(void *queue);      /* obeys next_config */
	const struct vif_config *next_config; /* the vif's to set, before netq_configure() */
	void (*closed)(void *queue);	      /* nothing is mapped or under way any more */
	int error;
	const char *what;
	const char *reason;

	const struct vif_config *config; /* the vif's */
	struct stats_queue *stats;	 /* the vif's, written by the thread only */
	uint64_t now_ns; /* the time, as far as this turn knows; 0: look at the clock */
	struct staging staging;
	struct grant_batch batch; /* of both directions: one call a turn */
	struct tapio tap;
	struct txq tx;
	struct rxq rx;
	bool failed;  /* takes nothing more */
	bool closing; /* the same; goes when nothing is under way */
};

/* ---- for the vif, by thread_call() --------------------------------------------------------- */

void netq_connect(void *queue);
void netq_close(void *queue);
/* From now on it obeys next_config. */
void netq_configure(void *queue);

/* ---- between netq.c, txq.c and rxq.c ------------------------------------------------------- */

/* The queue takes nothing more; the supervisor is told, as a predicate of "the guest". */
void netq_break(struct netq *queue, const char *reason);
static inline bool netq_takes(const struct netq *queue)
{
	return !queue->failed && !queue->closing;
}

/* A look at the clock is good for a turn. */
static inline uint64_t netq_now(struct netq *queue)
{
	if (queue->now_ns == 0)
		queue->now_ns = loop_now_ns();
	return queue->now_ns;
}

int txq_open(struct netq *queue);
void txq_close(struct netq *queue);
/* Takes what the guest has sent, up to a batch, and has its copies join the queue's. */
void txq_take(struct netq *queue);
/* The copies are done: checks the packets and hands them to the tap. */
void txq_send(struct netq *queue);
/* Answers what is done, in order. */
void txq_answer(struct netq *queue);

int rxq_open(struct netq *queue);
void rxq_close(struct netq *queue);
/* Gives frames of the tap the guest's slots, as far as there are any, and has their copies join. */
void rxq_place(struct netq *queue);
/* The copies are done: answers. */
void rxq_answer(struct netq *queue);
/* Frames wait, and by now there may be slots for them. */
bool rxq_peek(const struct netq *queue);
/* Before sleep: asks the guest to tell of slots, if that is waited for; true if there are some. */
bool rxq_sleep(const struct netq *queue);

/* What a worker asks of the kernel, by the way its loops wait. */
extern const struct filter *const netq_filters[2][4];
extern const struct filter rxq_filter;

#endif
