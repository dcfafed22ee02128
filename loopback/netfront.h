/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_NETFRONT_H
#define LOOPBACK_NETFRONT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <xen/io/netif.h>

#include "loopback/guest.h"

#define NETFRONT_PAGE	    4096U
#define NETFRONT_ENTRIES    256U /* of each ring: one page, as always in netif.h */
#define NETFRONT_MAX_QUEUES 16
#define NETFRONT_MAX_FRAGS  18U /* slots of a packet: XEN_NETIF_NR_SLOTS_MIN */
#define NETFRONT_MAC	    6

/* As Linux numbers it; xen/io/netif.h of 4.17 has none, nor room for it below its MAX. */
#define NETFRONT_EXTRA_XDP 5

/*
 * A NIC, and one of its queues: two rings with one event channel or two, and pages of its own, all
 * granted once and used again and again.  Each queue may be used by another thread, one at a time.
 * The NIC is opened, looked at (netfront_fd()) and closed by one thread, with no other in its
 * queues when it is closed.
 */
struct netfront;
struct netfront_queue;

/* A packet: its bytes in pages of the queue's, and what the ring says of it. */
struct netfront_packet {
	struct iovec frag[NETFRONT_MAX_FRAGS];
	unsigned int frags;
	uint32_t len;
	bool csum_blank;  /* the checksum field holds only the pseudo header's sum */
	bool csum_valid;  /* whoever sent it vouches for its checksum */
	uint8_t gso_type; /* XEN_NETIF_GSO_TYPE_* */
	uint16_t gso_size;
	bool hashed; /* the next two were given */
	uint8_t hash_type;
	uint32_t hash;
	uint16_t headroom; /* bytes before it in its first page */
};

struct netfront_opts {
	unsigned int queues;   /* wanted; fewer if the backend offers fewer; 0: 1 */
	bool one_channel;      /* an event channel for both rings of a queue, split or not */
	bool no_sg, no_gso;    /* don't take packets of several pages, or super-packets */
	bool no_csum;	       /* take no packet with a blank checksum */
	bool no_ctrl;	       /* no control ring, even if one is offered */
	bool no_rx_notify;     /* don't promise to tell of new pages */
	bool multicast;	       /* ask the backend to filter multicast */
	unsigned int headroom; /* bytes wanted before a packet, for XDP */
	bool staging;	       /* have the backend map the queues' pages for good */
	int timeout_ms;	       /* for each of the backend's changes of state; 0: GUEST_TIMEOUT */
	const struct front_key *keys; /* hostile: written last, over what we wrote */
	size_t nr_keys;
};

struct netfront_info {
	uint8_t mac[NETFRONT_MAC];
	unsigned int mtu;	 /* what the toolstack or its script wrote; 1500 if nothing */
	unsigned int max_queues; /* the backend's offer */
	unsigned int queues;	 /* that we have */
	bool split;		 /* two event channels for each queue */
	bool sg, gso4, gso6;	 /* what the backend takes */
	bool csum4, csum6;
	bool multicast, ctrl, headroom;
	bool staged; /* the backend has mapped the queues' pages */
};

/* What a queue did; only ever grows. */
struct netfront_stats {
	uint64_t tx_packets, tx_bytes, tx_slots, tx_pushes, tx_notifies;
	uint64_t tx_errors;  /* answered with an error */
	uint64_t tx_dropped; /* answered with NETIF_RSP_DROPPED */
	uint64_t rx_packets, rx_bytes, rx_slots, rx_pushes, rx_notifies;
	uint64_t rx_errors; /* packets of which a slot holds an error */
	uint64_t events;    /* that woke us */
};

/* Connect the guest's NIC @devid.  NULL with errno set on failure; the reason is on stderr. */
struct netfront *netfront_open(struct guest *g, unsigned int devid,
			       const struct netfront_opts *opts);

/* Close in order and free.  0 or -errno. */
int netfront_close(struct netfront *nf);

const struct netfront_info *netfront_info(const struct netfront *nf);

/*
 * The device's own fds, for who opened it: readable when netfront_changed() is to be called, which
 * returns 0, or what netfront_error() does.
 */
int netfront_fd(const struct netfront *nf);
int netfront_error_fd(const struct netfront *nf);
int netfront_changed(struct netfront *nf);

/* 0; -ESHUTDOWN: the backend wants to close; -EPROTO: it broke a ring; and so on. */
int netfront_error(const struct netfront *nf);

/* The link as the backend's node `carrier` has it; up if it has none. */
bool netfront_carrier(const struct netfront *nf);

/* ---- a queue ------------------------------------------------------------------------------ */

/* Queue @i, 0 to info->queues - 1; NULL beyond.  Valid until netfront_close(). */
struct netfront_queue *netfront_queue(struct netfront *nf, unsigned int i);
const struct netfront_stats *netfront_stats(const struct netfront_queue *q);

/*
 * Room for a packet of up to @pages pages: pkt->frag names that many empty ones, and pkt->frags is
 * set.  False if there are no pages or no slots left; then wait.
 */
bool netfront_tx_room(struct netfront_queue *q, struct netfront_packet *pkt, unsigned int pages);

/*
 * Put pkt->len bytes that stand in the first of those pages, each filled before the next, on the
 * ring; the backend sees it at the next netfront_push().  0, or -EINVAL for what netif.h can't
 * express.
 */
int netfront_tx_send(struct netfront_queue *q, const struct netfront_packet *pkt);

/* Have the backend add @mac to those multicast addresses that pass, or take it off. */
int netfront_tx_multicast(struct netfront_queue *q, const uint8_t mac[NETFRONT_MAC], bool add);

/* Take the answers there are.  0, or the error that closed the device. */
int netfront_tx_reclaim(struct netfront_queue *q);

/* Packets' slots that the backend has not answered. */
unsigned int netfront_tx_pending(const struct netfront_queue *q);

/*
 * The next packet that came.  1; 0 if there is none; or the error that closed the device.  Its
 * pages are the caller's until netfront_rx_release(), or the next call of this.
 */
int netfront_rx_take(struct netfront_queue *q, struct netfront_packet *pkt);
void netfront_rx_release(struct netfront_queue *q);

/* Show the backend packets sent and pages given back; notify it where it asked for that. */
void netfront_push(struct netfront_queue *q);

/*
 * Before sleeping on netfront_queue_fd(): ask for an event when a packet comes, and if @tx when
 * half of what is under way has been answered.  True: there is work, don't sleep.
 */
bool netfront_arm(struct netfront_queue *q, bool tx);
int netfront_queue_fd(const struct netfront_queue *q);
void netfront_event(struct netfront_queue *q); /* take what made it readable */

/* ---- the control ring, of which the one who opened the device is the only user -------------- */

/*
 * Ask and wait.  XEN_NETIF_CTRL_STATUS_*, with *@data set if it is not NULL; -EOPNOTSUPP without a
 * control ring, -ETIMEDOUT, or the error that closed the device.
 */
int netfront_ctrl(struct netfront *nf, uint16_t type, uint32_t d0, uint32_t d1, uint32_t d2,
		  uint32_t *data);

/* A granted page for what a message refers to. */
void *netfront_ctrl_page(const struct netfront *nf);
grant_ref_t netfront_ctrl_ref(const struct netfront *nf);

/* Toeplitz over @flags' kinds of packets, by @key of @key_len bytes, and a table of @size queues.
 */
int netfront_hash(struct netfront *nf, uint32_t flags, const uint8_t *key, unsigned int key_len,
		  const uint32_t *table, unsigned int size);

/* ---- for tests of hostile frontends: no check, no bookkeeping ------------------------------ */

struct netif_tx_sring *netfront_raw_tx(struct netfront_queue *q);
struct netif_rx_sring *netfront_raw_rx(struct netfront_queue *q);
struct xen_netif_ctrl_sring *netfront_raw_ctrl(struct netfront *nf);
/* Page @page: those below NETFRONT_ENTRIES are sent from (the backend can't write them), as many
 * more are for what comes. */
void *netfront_raw_page(const struct netfront_queue *q, unsigned int page);
grant_ref_t netfront_raw_ref(const struct netfront_queue *q, unsigned int page);
/* Notify the backend of either ring, whatever it asked for. */
void netfront_raw_notify(struct netfront_queue *q);
/* The device below, for writing states and keys by hand. */
struct front *netfront_front(struct netfront *nf);

#endif
