// SPDX-License-Identifier: MIT
/*
 * hv's event channels: which port is bound to which, and who owns it.
 *
 * The rules are Xen's (xen/common/event_channel.c) seen through Linux's /dev/xen/evtchn: a port
 * is unbound, interdomain or virq; when one end closes, the other becomes unbound for the same
 * remote domain and can be bound again; a bind sets the local port pending, because notifies
 * may have been lost before.  A port that a release notification refers to stays until that is
 * done, even if its owner is gone.
 *
 * hv writes a port's peer word; notifies read it without asking hv.  Order matters: a port's
 * own state is set before the other end's peer word leads to it, and the other end's peer word
 * is cleared before the port is.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <xen/xen.h>
#include "loopback/hv.h"

static struct hv_port *shared(struct domain *d, uint32_t port)
{
	return &d->ctl->port[port];
}

static uint32_t owner_id(const struct port *p)
{
	return p->owner ? p->owner->id : 0;
}

static struct port *port_find(struct domain *d, uint32_t port)
{
	if (port >= HV_MAX_PORTS || d->port[port].kind == PORT_FREE)
		return NULL;
	return &d->port[port];
}

static void token_add(const struct port *p)
{
	uint64_t one = 1;

	if (p->owner && p->owner->eventfd >= 0 && write(p->owner->eventfd, &one, sizeof(one)) < 0)
		return; /* 2^64 events are pending: it is readable */
}

/* The eventfd is blocking for its owner, who may read it meanwhile: do not wait here. */
static void token_remove(const struct port *p)
{
	uint64_t one;
	struct iovec iov = {.iov_base = &one, .iov_len = sizeof(one)};

	if (p->owner && p->owner->eventfd >= 0 &&
	    preadv2(p->owner->eventfd, &iov, 1, -1, RWF_NOWAIT) < 0)
		return; /* was taken, and found no port, or comes: pending() bears both */
}

/* Writes who owns the port to its state word, keeping a pending event. */
static void port_publish(struct domain *d, uint32_t port)
{
	struct port *p = &d->port[port];
	uint64_t old, new;

	old = __atomic_load_n(&shared(d, port)->state, __ATOMIC_RELAXED);
	do
		new = (uint64_t)owner_id(p) << 32 | (old & HV_PORT_PENDING);
	while (!__atomic_compare_exchange_n(&shared(d, port)->state, &old, new, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

/* Leads notifies from the other end to this port. */
static void port_link(struct domain *d, uint32_t port)
{
	struct port *p = &d->port[port];
	struct domain *rd = domain_find(p->remote);

	if (p->kind == PORT_INTERDOMAIN && rd)
		__atomic_store_n(&shared(rd, p->rport)->peer, hv_peer(owner_id(p), d->domid, port),
				 __ATOMIC_RELEASE);
}

int port_new(struct domain *d, enum port_kind kind, struct handle *owner)
{
	uint32_t port;

	for (port = 1; port < HV_MAX_PORTS; port++)
		if (d->port[port].kind == PORT_FREE)
			break;
	if (port == HV_MAX_PORTS)
		return -ENOSPC;
	d->port[port] = (struct port){.kind = kind, .owner = owner};
	if (port >= d->port_top)
		d->port_top = port + 1;
	d->ctl->now.ports++;
	__atomic_store_n(&shared(d, port)->peer, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&shared(d, port)->state, (uint64_t)owner_id(&d->port[port]) << 32,
			 __ATOMIC_RELEASE);
	return (int)port;
}

void port_raise(struct domain *d, uint32_t port)
{
	struct port *p = &d->port[port];

	if (hv_port_post(shared(d, port), owner_id(p)) == HV_POST_WAKE)
		token_add(p);
}

void port_notify_peer(struct domain *d, uint32_t port)
{
	struct port *p = port_find(d, port);
	struct domain *rd;

	if (!p || p->kind != PORT_INTERDOMAIN)
		return;
	rd = domain_find(p->remote);
	if (rd)
		port_raise(rd, p->rport);
}

void virq_raise(uint32_t domid, uint32_t virq)
{
	struct domain *d = domain_find(domid);

	if (d && virq < HV_VIRQS && d->virq[virq])
		port_raise(d, d->virq[virq]);
}

/* The other end goes back to unbound, for the domain it was bound to. */
static void port_disconnect(struct port *p)
{
	struct domain *rd = domain_find(p->remote);

	if (!rd)
		return;
	__atomic_store_n(&shared(rd, p->rport)->peer, 0, __ATOMIC_RELEASE);
	rd->port[p->rport].kind = PORT_UNBOUND;
}

void port_close(struct domain *d, uint32_t port)
{
	struct port *p = &d->port[port];
	uint64_t old;

	if (p->kind == PORT_INTERDOMAIN)
		port_disconnect(p);
	else if (p->kind == PORT_VIRQ)
		d->virq[p->rport] = 0;
	p->kind = PORT_FREE;
	d->ctl->now.ports--;
	__atomic_store_n(&shared(d, port)->peer, 0, __ATOMIC_RELEASE);
	old = __atomic_exchange_n(&shared(d, port)->state, 0, __ATOMIC_ACQ_REL);
	if (hv_port_queued(old))
		token_remove(p);
	p->owner = NULL;
}

int port_get(struct domain *d, uint32_t port)
{
	struct port *p = port_find(d, port);

	if (!p)
		return -EINVAL;
	p->refs++;
	return 0;
}

void port_put(struct domain *d, uint32_t port)
{
	struct port *p = port_find(d, port);

	if (p && p->refs && !--p->refs && !p->owner && !p->reserved)
		port_close(d, port);
}

/* The owner lets go.  A reserved port, or one that a release refers to, stays without owner. */
static void port_release(struct domain *d, uint32_t port)
{
	struct port *p = &d->port[port];

	if (!p->refs && !p->reserved) {
		port_close(d, port);
		return;
	}
	if (hv_port_queued(__atomic_load_n(&shared(d, port)->state, __ATOMIC_ACQUIRE)))
		token_remove(p);
	p->owner = NULL;
	port_publish(d, port);
	port_link(d, port);
}

/*
 * A process may die between making the peer's port queued and adding the token.  Its peer
 * would then never be woken again; one token too many only costs it a spurious event.
 */
static void port_repair_peer(struct port *p)
{
	struct domain *rd = p->kind == PORT_INTERDOMAIN ? domain_find(p->remote) : NULL;
	uint64_t state;

	if (!rd)
		return;
	state = __atomic_load_n(&shared(rd, p->rport)->state, __ATOMIC_ACQUIRE);
	if (hv_port_queued(state))
		token_add(&rd->port[p->rport]);
}

void evtchn_handle_end(struct handle *h, bool orderly)
{
	struct domain *d = h->dom;
	uint32_t port;

	for (port = 0; port < d->port_top; port++) {
		if (d->port[port].kind == PORT_FREE || d->port[port].owner != h)
			continue;
		if (!orderly)
			port_repair_peer(&d->port[port]);
		port_release(d, port);
	}
}

static int bind_allowed(struct handle *h, uint32_t domid)
{
	return h->evtchn_only < 0 || (uint32_t)h->evtchn_only == domid ? 0 : -EACCES;
}

static uint32_t domid_self(struct handle *h, uint32_t domid)
{
	return domid == DOMID_SELF ? h->dom->domid : domid;
}

static int op_bind_unbound(struct call *c)
{
	uint32_t domid = domid_self(c->h, c->msg->domid);
	int port = bind_allowed(c->h, domid);

	if (port < 0)
		return port;
	if (domid >= HV_DOMIDS)
		return -EINVAL;
	port = port_new(c->h->dom, PORT_UNBOUND, c->h);
	if (port < 0)
		return port;
	c->h->dom->port[port].remote = (uint16_t)domid;
	c->msg->port = (uint32_t)port;
	c->msg->domid = domid;
	return 0;
}

static int op_bind_interdomain(struct call *c)
{
	struct domain *d = c->h->dom, *rd = domain_find(domid_self(c->h, c->msg->domid));
	uint32_t rport = c->msg->port;
	struct port *remote;
	int port = bind_allowed(c->h, rd ? rd->domid : c->msg->domid);

	if (port < 0)
		return port;
	if (!rd)
		return -ESRCH;
	remote = port_find(rd, rport);
	if (!remote || remote->kind != PORT_UNBOUND || remote->remote != d->domid)
		return -EINVAL;
	port = port_new(d, PORT_INTERDOMAIN, c->h);
	if (port < 0)
		return port;
	d->port[port].remote = (uint16_t)rd->domid;
	d->port[port].rport = rport;
	remote->kind = PORT_INTERDOMAIN;
	remote->rport = (uint32_t)port;
	port_link(d, (uint32_t)port);
	port_link(rd, rport);
	port_raise(d, (uint32_t)port);
	c->msg->port = (uint32_t)port;
	c->msg->domid = rd->domid;
	return 0;
}

static int op_bind_virq(struct call *c)
{
	struct domain *d = c->h->dom;
	uint32_t virq = c->msg->id;
	int port;

	if (c->h->evtchn_only >= 0)
		return -EACCES;
	if (virq >= HV_VIRQS)
		return -EINVAL;
	if (d->virq[virq])
		return -EEXIST;
	if (virq == VIRQ_DOM_EXC && d->domid)
		return -EPERM;
	port = port_new(d, PORT_VIRQ, c->h);
	if (port < 0)
		return port;
	d->port[port].rport = virq;
	d->virq[virq] = (uint32_t)port;
	c->msg->port = (uint32_t)port;
	c->msg->domid = d->domid;
	return 0;
}

static int op_unbind(struct call *c)
{
	struct port *p = port_find(c->h->dom, c->msg->port);

	if (!p || p->owner != c->h)
		return -ENOTCONN;
	port_release(c->h->dom, c->msg->port);
	return 0;
}

static int op_adopt(struct call *c)
{
	struct domain *d = c->h->dom;
	struct port *p = port_find(d, c->msg->port);

	if (!p || !p->reserved)
		return -EINVAL;
	if (p->owner)
		return -EBUSY;
	p->owner = c->h;
	port_publish(d, c->msg->port);
	port_link(d, c->msg->port);
	if (hv_port_queued(__atomic_load_n(&shared(d, c->msg->port)->state, __ATOMIC_ACQUIRE)))
		token_add(p);
	else
		port_raise(d, c->msg->port); /* as a bind: what was sent till now may be lost */
	c->msg->domid = p->remote;
	return 0;
}

static int op_restrict(struct call *c)
{
	if (c->h->evtchn_only >= 0)
		return -EACCES;
	if (!c->msg->domid || c->msg->domid >= HV_DOMIDS)
		return -EINVAL;
	c->h->evtchn_only = (int)c->msg->domid;
	return 0;
}

static int op_eventfd(struct call *c)
{
	if (c->h->eventfd < 0)
		c->h->eventfd = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
	if (c->h->eventfd < 0)
		return -errno;
	c->fds[c->nfds++] = c->h->eventfd;
	return 0;
}

static int op_wakefd(struct call *c)
{
	struct handle *peer = handle_find(c->msg->id);

	if (!peer || peer->eventfd < 0)
		return -ENOENT;
	c->fds[c->nfds++] = peer->eventfd;
	return 0;
}

/* Tells a process that inherited this connection what it holds. */
static int op_reopen(struct call *c)
{
	struct domain *d = c->h->dom;
	uint32_t port, n = 0;

	if (c->h->eventfd < 0)
		return -ENOENT;
	for (port = 0; port < d->port_top; port++) {
		if (d->port[port].kind == PORT_FREE || d->port[port].owner != c->h)
			continue;
		c->refs[n].domid =
			d->port[port].kind == PORT_VIRQ ? d->domid : d->port[port].remote;
		c->refs[n++].ref = port;
	}
	c->msg->id = c->h->id;
	c->msg->domid = d->domid;
	c->msg->n = n;
	c->fds[c->nfds++] = c->h->eventfd;
	return 0;
}

int evtchn_op(struct call *c)
{
	switch (c->msg->op) {
	case HV_BIND_UNBOUND:
		return op_bind_unbound(c);
	case HV_BIND_INTERDOMAIN:
		return op_bind_interdomain(c);
	case HV_BIND_VIRQ:
		return op_bind_virq(c);
	case HV_UNBIND:
		return op_unbind(c);
	case HV_ADOPT:
		return op_adopt(c);
	case HV_EVTCHN_RESTRICT:
		return op_restrict(c);
	case HV_EVENTFD:
		return op_eventfd(c);
	case HV_WAKEFD:
		return op_wakefd(c);
	case HV_REOPEN:
		return op_reopen(c);
	default:
		return -ENOSYS;
	}
}
