// SPDX-License-Identifier: MIT
/*
 * The life of one event on a port, shared by hv and libxenevtchn.
 *
 * A port's state word is {owner handle : 32, bits : 32}.  A port that is pending and not masked
 * is "queued": its owner's eventfd (a semaphore) holds one token for it.  Whoever makes a port
 * queued adds the token, and xenevtchn_pending takes a token and a queued port.  All
 * transitions are read-modify-writes of this one word, so each sees the one before it.
 *
 * The owner stands in the word, so that a notifier that looked up the peer just before it died
 * can not queue an event for the port's next owner without waking it.
 */
#ifndef LOOPBACK_HVPORT_H
#define LOOPBACK_HVPORT_H

#include <stdbool.h>
#include "loopback/hvproto.h"

#define HV_PORT_PENDING 1u
#define HV_PORT_MASKED	2u
#define HV_PORT_BITS	3u

enum hv_post {
	HV_POST_QUIET, /* is pending; whoever masked or queued it will see it */
	HV_POST_WAKE,  /* became queued: add a token to the owner's eventfd */
	HV_POST_GONE,  /* has another owner than expected */
};

static inline uint64_t hv_peer(uint32_t owner, uint32_t domid, uint32_t port)
{
	return (uint64_t)owner << 32 | (domid & 0xffff) << 16 | (port & 0xffff);
}

static inline uint32_t hv_peer_owner(uint64_t peer)
{
	return peer >> 32;
}

static inline uint32_t hv_peer_domid(uint64_t peer)
{
	return peer >> 16 & 0xffff;
}

static inline uint32_t hv_peer_port(uint64_t peer)
{
	return peer & 0xffff;
}

static inline uint32_t hv_port_owner(uint64_t state)
{
	return state >> 32;
}

static inline bool hv_port_queued(uint64_t state)
{
	return (state & HV_PORT_BITS) == HV_PORT_PENDING;
}

/*
 * Makes the port pending.  The exchange happens even if it is pending already: it is the
 * release that hv_port_take()'s acquire pairs with, so that the taker sees what was written
 * before this notify.
 */
static inline enum hv_post hv_port_post(struct hv_port *port, uint32_t owner)
{
	uint64_t old = __atomic_load_n(&port->state, __ATOMIC_RELAXED);

	do {
		if (hv_port_owner(old) != owner)
			return HV_POST_GONE;
	} while (!__atomic_compare_exchange_n(&port->state, &old, old | HV_PORT_PENDING, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return old & HV_PORT_BITS ? HV_POST_QUIET : HV_POST_WAKE;
}

/*
 * Takes a queued port: it is masked and no longer pending.  With spurious set, takes any port
 * that is not masked.  Pairs with hv_port_post().
 */
static inline bool hv_port_take(struct hv_port *port, bool spurious)
{
	uint64_t old = __atomic_load_n(&port->state, __ATOMIC_RELAXED);
	uint64_t new;

	do {
		if (old & HV_PORT_MASKED || !(spurious || old & HV_PORT_PENDING))
			return false;
		new = (old & ~(uint64_t)HV_PORT_PENDING) | HV_PORT_MASKED;
	} while (!__atomic_compare_exchange_n(&port->state, &old, new, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return true;
}

/* Returns true if the port became queued: the caller adds the token.  Pairs with
 * hv_port_post(): of the two, the later one sees the other's bit. */
static inline bool hv_port_unmask(struct hv_port *port)
{
	uint64_t old =
		__atomic_fetch_and(&port->state, ~(uint64_t)HV_PORT_MASKED, __ATOMIC_ACQ_REL);

	return (old & HV_PORT_BITS) == HV_PORT_BITS;
}

#endif
