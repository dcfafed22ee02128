/* SPDX-License-Identifier: MIT */
/* Event channels of a worker: one xenevtchn handle, its ports and whom to call.  See port.c. */
#ifndef COMMON_PORT_H
#define COMMON_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <xenevtchn.h>

#include "common/loop.h"

enum {
	PORT_MAX = 64
}; /* of one worker: a guest has a few devices, each with one port */

/* A bound port.  Embedded in its device, which owns it. */
struct port {
	struct port_set *set;
	evtchn_port_t local;
	/* The guest notified; the port is unmasked after this.  Must not end a port's memory. */
	void (*kicked)(struct port *port);
	struct port *next_masked; /* while port.c has told of it and not unmasked it yet */
	bool masked;
};

struct port_set {
	xenevtchn_handle *xce;
	struct loop_poll *poll;
	struct port *ports[PORT_MAX];
	int bound;
	bool restricted; /* to the guest, by the kernel */
	bool stale;	 /* one was unbound: its event may still lie among those of others */
};

/*
 * Opens the handle.  Before the sandbox closes.  0 or -errno.
 */
int port_set_open(struct port_set *set);
/* Restricts it to `domid` for good, if this kernel can.  0 or -errno. */
int port_set_restrict(struct port_set *set, uint16_t domid);
/* Starts listening on `loop`. */
void port_set_start(struct port_set *set, struct loop *loop);
void port_set_close(struct port_set *set, struct loop *loop);

/* Binds to the guest's port.  0 or -errno (-EINVAL, -ENOENT: no such port there for us). */
int port_bind(struct port *port, struct port_set *set, uint16_t domid, evtchn_port_t remote);
/* The guest's end goes back to unbound.  Safe on a port that is not bound. */
void port_unbind(struct port *port);
/* One hypercall.  An unbound peer is no error: Xen drops the event. */
void port_notify(struct port *port);

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter port_filter;

#endif
