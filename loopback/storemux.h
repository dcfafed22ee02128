/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_STOREMUX_H
#define LOOPBACK_STOREMUX_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/io/xs_wire.h>

#include "loopback/bytes.h"

#define MUX_CLIENTS  128
#define MUX_PENDING  256
#define MUX_INFLIGHT 8		   /* requests of one client on the ring at a time */
#define MUX_OUT_MAX  (1024 * 1024) /* a client that leaves more than this unread is dropped */

struct mux_watch {
	struct mux_watch *next;
	size_t len;
	char body[]; /* path NUL token NUL, as the client wrote it */
};

struct mux_client {
	uint32_t serial; /* never reused; 0: free entry */
	unsigned int inflight;
	bool broken; /* to be detached: it left too much unread, or memory ran out */
	struct bytes in, out;
	struct mux_watch *watches;
	uint32_t *tx; /* its open transactions */
	unsigned int tx_count;
};

struct mux_pending {
	bool used;
	uint32_t serial; /* of the client; it may be gone by now */
	uint32_t req_id; /* as the client wrote it */
	uint32_t type;
	uint32_t tx_id;
	struct mux_watch *watch; /* of XS_WATCH and XS_UNWATCH */
};

struct storemux {
	uint32_t serial;
	unsigned int pending_count;
	struct bytes ring_out, ring_in;
	struct mux_pending pending[MUX_PENDING];
	struct mux_client client[MUX_CLIENTS];
};

/* A new client: its index, or -EMFILE. */
int storemux_attach(struct storemux *mux);

/*
 * A client went away: its watches are removed and its open transactions aborted by requests put on
 * ring_out; replies still under way are dropped when they come.
 */
void storemux_detach(struct storemux *mux, int client);

/* May more of this client's bytes be read now?  No: it has enough waiting already. */
bool storemux_wants(const struct storemux *mux, int client);

/*
 * Bytes came from a client; whole messages go to ring_out or are answered on its `out`.
 * Returns 0, -EPROTO (a message longer than XENSTORE_PAYLOAD_MAX: drop the client) or -ENOMEM.
 */
int storemux_from_client(struct storemux *mux, int client, const void *data, size_t len);

/*
 * Bytes came from the store's ring; whole messages go to the clients' `out`, and requests that had
 * to wait are put on ring_out.  Returns 0, -EPROTO if the store sent nonsense, -ENOMEM.
 */
int storemux_from_ring(struct storemux *mux, const void *data, size_t len);

/* Put requests that had to wait on ring_out, as far as there is room. */
void storemux_pump(struct storemux *mux);

/* Forget all watches and transactions that an earlier user of this ring left behind. */
int storemux_reset(struct storemux *mux);

void storemux_free(struct storemux *mux);

#endif
