/* SPDX-License-Identifier: MIT */
/* The control ring of a vif.  See ctrl.c. */
#ifndef NETBACK_CTRL_H
#define NETBACK_CTRL_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "common/grant.h"
#include "common/port.h"
#include "common/ring.h"
#include "common/thread.h"
#include "netback/config.h"

struct netq;

/* Of one vif, on the worker's main thread. */
struct ctrl {
	struct loop_hook hook; /* first */
	struct thread *thread;
	struct port port;
	struct ring ring;
	struct ring_answers *answers; /* the vif's */
	struct grant_batch batch;
	uint32_t devid;
	uint32_t queue_count;
	struct netq *queues; /* the vif's */
	struct hash hash;    /* as of the last message */
	/* The vif has its queues hash so; it calls ctrl_done() when they do. */
	void (*changed)(struct ctrl *ctrl);
	/* The guest does not keep to the protocol: a predicate of "the guest". */
	void (*broken)(struct ctrl *ctrl, const char *reason);
	void *vif;
	bool open;
	bool failed;
	bool waiting; /* for the queues */
	struct xen_netif_ctrl_request request;
	struct xen_netif_ctrl_response response; /* to what is waited for */
	/* What a message refers to by a grant: 4096 bytes, and entries of it. */
	struct xen_netif_gref *list;
	uint32_t list_count;
	struct thread *staging_thread;
};

/* Maps the ring and binds its event channel.  0 or -errno with *what was being done. */
int ctrl_open(struct ctrl *ctrl, uint32_t ref, uint32_t port, bool resume, const char **what);
/* When the queues are closed.  Safe if it was not opened, or only half. */
void ctrl_close(struct ctrl *ctrl);
/* The queues have changed over. */
void ctrl_done(struct ctrl *ctrl);

#endif
