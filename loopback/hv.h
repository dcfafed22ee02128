// SPDX-License-Identifier: MIT
/*
 * hv's own view: domains, the handles of its clients, their ports, maps and shares.
 *
 * Ownership: a handle owns its maps, shares and ports and releases them when its connection
 * ends.  A domain is freed when it is dead and nothing maps its frames any more.
 */
#ifndef LOOPBACK_HV_H
#define LOOPBACK_HV_H

#include <stdbool.h>
#include <sys/queue.h>
#include "loopback/hvport.h"

#define HV_DOMIDS 0x7ff0u /* DOMID_FIRST_RESERVED: larger ones have special meanings */
#define HV_VIRQS  24u

enum port_kind {
	PORT_FREE,
	PORT_UNBOUND,
	PORT_INTERDOMAIN,
	PORT_VIRQ
};

struct handle;

struct port {
	enum port_kind kind;
	bool reserved;	 /* made by hv for the domain's kernel: outlives whoever adopts it */
	uint16_t remote; /* domid, for unbound and interdomain */
	uint32_t rport;	 /* interdomain: the other end; virq: its number */
	uint32_t refs;	 /* release notifications that hold it */
	struct handle *owner;
};

struct grant {
	bool used;
	bool limbo; /* withdrawn while mapped; goes when the last map does */
	uint32_t frame;
	uint32_t maps;
	uint32_t writers;
};

struct domain {
	TAILQ_ENTRY(domain) link;
	uint32_t domid;
	bool dead;
	int memfd;
	uint32_t pages;
	uint32_t mapped; /* maps of this domain's grants by anybody */
	struct hv_ctl *ctl;
	uint8_t *ram;
	struct port *port;   /* HV_MAX_PORTS */
	uint32_t port_top;   /* all ports in use are below */
	struct grant *grant; /* HV_MAX_GRANTS */
	uint64_t *frame_used;
	uint32_t frame_next;
	uint32_t ref_next;
	uint32_t virq[HV_VIRQS];
};

/* What to do when a map or share ends. */
struct release {
	uint32_t flags;
	uint32_t offset;
	uint32_t port; /* of the handle's domain; holds a reference */
};

struct map {
	LIST_ENTRY(map) link;
	uint32_t id;
	uint32_t n;
	bool writable;
	struct release release;
	struct map_ref {
		struct domain *dom;
		uint32_t ref;
	} refs[];
};

struct share {
	LIST_ENTRY(share) link;
	uint32_t id;
	uint32_t n;
	struct release release;
	uint32_t refs[];
};

struct handle {
	LIST_ENTRY(handle) link;
	uint32_t id;
	int sock;
	int pidfd;   /* of a guest's process, else -1 */
	int eventfd; /* -1 until asked for */
	struct domain *dom;
	int evtchn_only;  /* domid of xenevtchn_restrict, or -1 */
	int foreign_only; /* domid of xenforeignmemory_restrict, or -1 */
	uint64_t max_grants;
	uint64_t mapped;
	uint32_t next_id;
	LIST_HEAD(, map) maps;
	LIST_HEAD(, share) shares;
};

/* A request being served, which becomes its own reply. */
struct call {
	struct handle *h;
	struct hv_msg *msg;
	struct hv_ref *refs; /* HV_MAX_REFS */
	int fds[HV_MAX_FDS]; /* to pass with the reply; borrowed, not closed */
	unsigned nfds;
};

/* hv.c */
struct handle *handle_find(uint32_t id);
void handles_end(struct domain *d); /* kill the processes of a domain, release what they hold */

/* hv_domain.c: 0 or -errno */
int domains_init(void);
struct domain *domain_find(uint32_t domid); /* alive, or NULL */
void domain_put(struct domain *d);	    /* free it if it is dead and unmapped */
int frames_alloc(struct domain *d, uint32_t n, uint32_t *frames);
void frame_free(struct domain *d, uint32_t frame);
int domain_op(struct call *c);

/* hv_evtchn.c */
int port_new(struct domain *d, enum port_kind kind, struct handle *owner); /* port or -errno */
void port_raise(struct domain *d, uint32_t port);			   /* make it pending */
void port_notify_peer(struct domain *d, uint32_t port); /* notify as its owner would */
void port_close(struct domain *d, uint32_t port);
int port_get(struct domain *d, uint32_t port); /* 0 or -errno */
void port_put(struct domain *d, uint32_t port);
void virq_raise(uint32_t domid, uint32_t virq);
void evtchn_handle_end(struct handle *h, bool orderly);
int evtchn_op(struct call *c);

/* hv_gnttab.c */
void grant_give(struct domain *d, uint32_t ref, uint32_t to, uint32_t frame, bool readonly);
void grants_revoke_all(struct domain *d);
void gnttab_handle_end(struct handle *h);
int gnttab_op(struct call *c);

#endif
