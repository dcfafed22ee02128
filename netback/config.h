/* SPDX-License-Identifier: MIT */
/* What may change while a vif is connected, and what outlives its worker. */
#ifndef NETBACK_CONFIG_H
#define NETBACK_CONFIG_H

#include <stdint.h>

#include "common/limit.h"
#include "common/ring.h"
#include "netback/hash.h"
#include "netback/mcast.h"
#include "netback/spoof.h"

enum {
	HEADROOM_MAX = 0x7fff,	  /* XEN_NETIF_MAX_XDP_HEADROOM of Linux */
	HEADROOM_USED_MAX = 2048, /* half of a page: more would leave packets no room */
	STAGED_MAX = 512,	  /* granted pages of a queue: as many as both rings have slots */
};

/* Plain numbers: travels through the channel. */
struct vif_settings {
	struct limit_spec tx, rx; /* bytes that the guest sends, and gets */
	uint32_t multicast;	  /* the guest wants only what is on its list */
	uint32_t headroom;	  /* bytes before a packet that it gets: XDP's */
	uint32_t set_headroom;	  /* of a TUNE: that counts; else it stays as it is */
	uint32_t drain_ms;	  /* how long a frame waits for the guest's slots */
	uint32_t stall_ms;	  /* and then the interface for its carrier */
	uint32_t pad;		  /* so that settings can be compared as bytes */
	struct spoof spoof;
};

_Static_assert(sizeof(struct vif_settings) ==
		       2 * sizeof(struct limit_spec) + 6 * sizeof(uint32_t) + sizeof(struct spoof),
	       "there are no other bytes");

/*
 * What a queue obeys.  The vif has two and makes the next one while its queues still look at the
 * other; they change over one by one.
 */
struct vif_config {
	struct vif_settings settings;
	struct hash hash;
	struct limit *tx, *rx; /* the vif's; one of each for all its queues */
};

struct staged_ref {
	uint32_t ref;
	uint32_t flags; /* STAGED_... */
};

enum {
	STAGED_USED = 1,
	STAGED_READONLY = 2,
};

/* In the journal, of each queue. */
struct vif_queue_state {
	struct ring_answers tx, rx;
	struct staged_ref staged[STAGED_MAX];
};

/*
 * In the journal: what the guest has told its backend by other ways than its nodes, and what it was
 * answered last.
 */
struct vif_state {
	struct mcast mcast;
	struct hash hash;
	uint32_t multicast, headroom; /* as in vif_settings: of the guest, not of the toolstack */
	struct ring_answers ctrl;
	struct vif_queue_state queues[];
};

#endif
