// SPDX-License-Identifier: MIT
/*
 * The client's side of hv: connections ("handles"), views of a domain's memory, and the calls
 * that a toolstack makes.  The drop-in libraries are built on this.
 *
 * After hv_open() nothing needs a path, /proc or another uid's right: the connection is enough.
 * A handle may be used by several threads.  Functions return 0 or -errno unless they say
 * otherwise.
 */
#ifndef LOOPBACK_HVCLIENT_H
#define LOOPBACK_HVCLIENT_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>
#include "loopback/hvproto.h"

struct hv {
	int sock;
	pid_t pid; /* of the process that opened it; see hv_close() */
	uint32_t id;
	uint32_t domid;
	uint32_t store_port; /* of domid: made by hv, bound by xenstored */
	pthread_mutex_t lock;
};

/* A domain's memory as this process sees it. */
struct hv_area {
	struct hv_area *next;
	uint32_t domid;
	uint32_t frames; /* mapped in ram; 0 if only ctl is */
	uint32_t users;	 /* for whoever counts them */
	struct hv_ctl *ctl;
	uint8_t *ram;
};

/* hv_domain_stats(): counters since the domain was made, and what it holds now. */
struct hv_stats {
	struct hv_op_stats caller;  /* what the domain did */
	struct hv_op_stats granter; /* what others did to its grants and ports */
	uint64_t maps;		    /* grants of others it maps now */
	uint64_t ports;		    /* ports it has now */
	uint64_t grants;	    /* grants it gives now */
	uint64_t limbo;		    /* grants it withdrew that others still map */
};

/* To $XLOOP_DIR/hv.sock as domain $XLOOP_DOMID (absent: 0).  NULL and errno on failure. */
struct hv *hv_open(void);
/* Releases what the handle holds before it returns; in a forked child, only closes the fd. */
void hv_close(struct hv *hv);

/* A new domain with ram_mib MiB of (sparse) RAM.  Needs a handle of domain 0. */
int hv_domain_create(struct hv *hv, uint32_t ram_mib, uint32_t *domid, uint32_t *store_port);
/* Kills the domain's processes and raises VIRQ_DOM_EXC in domain 0. */
int hv_domain_destroy(struct hv *hv, uint32_t domid);
/* Fills up to max domids, ascending.  Returns how many domains there are, or -errno. */
int hv_domain_list(struct hv *hv, uint32_t *domids, int max);
int hv_domain_stats(struct hv *hv, uint32_t domid, struct hv_stats *stats);
/*
 * Arms a fault of a domain; count 0 disarms it.  what is one of
 *   map           the next count map calls by or of the domain fail with ENOMEM
 *   copy          the next count segments copied by or of it get GNTST_general_error
 *   copy-eagain   the same with GNTST_eagain
 *   copy-call     the next count copy calls by or of it fail with ENOMEM, and copy nothing
 *   copy-slow-us  each copy call by or of it takes count microseconds longer
 *   notify        the next count notifies it sends vanish
 *   notify-in     the next count notifies to it vanish
 * -EINVAL for another.
 */
int hv_fault(struct hv *hv, uint32_t domid, const char *what, uint64_t count);

/*
 * For the libraries.  hv_call() sends msg with msg->n refs and waits for the reply, which
 * replaces both (there is room for cap refs); the first max fds are filled, missing ones are -1.
 * Returns msg->err or -EIO.
 */
int hv_call(struct hv *hv, struct hv_msg *msg, struct hv_ref *refs, uint32_t cap, int *fds,
	    unsigned max);
/* The same for a call without refs and fds. */
int hv_call0(struct hv *hv, struct hv_msg *msg);
/* Takes over a connection that this process inherited. */
struct hv *hv_adopt(int sock);
/* Maps a domain's control area and, with ram, its memory.  NULL and errno on failure. */
struct hv_area *hv_area_map(struct hv *hv, uint32_t domid, bool ram);
void hv_area_unmap(struct hv_area *area);
/* The counters that this handle adds to. */
static inline struct hv_stat_slot *hv_slot(const struct hv *hv, struct hv_ctl *ctl)
{
	return &ctl->slot[hv->id % HV_STAT_SLOTS];
}

#endif
