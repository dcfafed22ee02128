/* SPDX-License-Identifier: MIT */
/* What nethostile.c's cases share. */
#ifndef TESTS_HOSTILE_NET_H
#define TESTS_HOSTILE_NET_H

#include <stdbool.h>

#include "loopback/netfront.h"

/* The device under attack: its last queue. */
extern struct hostile {
	struct netfront *nf;
	struct netfront_queue *q;
	struct netif_tx_sring *tx;
	RING_IDX prod, answered;
} h;

/* One packet, or what looks like one. */
struct tx_case {
	const char *name;
	void (*put)(const struct tx_case *c);
	unsigned int n, m;
};

extern const struct tx_case tx_cases[]; /* ends with a NULL name */

bool hostile_closed(void);
/* Closes the device and opens it anew. */
void hostile_reopen(void);
const char *no_answer(void);
netif_tx_request_t *tx_put(netif_tx_request_t request);
void tx_put_extra(struct netif_extra_info extra);
void tx_push(RING_IDX prod);
bool tx_answers(unsigned int n);

/* Page 0 becomes a frame of TCP to nobody, page 1 one of a protocol of nobody's. */
void hostile_frame_make(void);
/* net_events.c: a port, unbound, that @domid may bind; in words, for a node. */
const char *hostile_port(uint32_t domid);
void attack_close_storm(const char *name);
/* False if there is no such case. */
bool ctrl_attack(const char *name);

#endif
