/* SPDX-License-Identifier: MIT */
/* A virtual NIC in its worker.  See vif.c. */
#ifndef NETBACK_VIF_H
#define NETBACK_VIF_H

#include "common/resume.h"
#include "common/worker.h"
#include "netback/netq.h"

enum {
	VIF_QUEUES_MAX = THREADS_MAX
};

/* The body of CHAN_CONNECT; its fds begin with the tap's queues.  That of CHAN_TUNE is a
 * vif_settings. */
struct vif_connect {
	struct vif_settings settings;
	uint32_t features; /* enum vnet_feature */
	uint32_t has_ctrl; /* the guest has named a control ring */
	uint32_t ctrl_ref, ctrl_port;
	uint32_t resume; /* an earlier worker was at these rings: go on */
	uint32_t steer;	 /* behind the tap's queues come the program and the map of steer.h */
	uint32_t queues;
	struct netq_nodes nodes[VIF_QUEUES_MAX];
};

_Static_assert(sizeof(struct vif_connect) <= CHAN_BODY_MAX, "a CONNECT fits a message");

/* Bytes of the journal of such a connection: resume.h's header and a vif_state. */
size_t vif_journal_bytes(const struct vif_connect *connect);

extern const struct worker_ops vif_worker_ops;

#endif
