// SPDX-License-Identifier: MIT
/*
 * Drop-in libxenevtchn.so.1 for the embedded Xen: what /dev/xen/evtchn does, without a kernel.
 *
 * A handle owns its connection to hv, its eventfd and a view of each domain it has a port with.
 * Binding asks hv.  notify sets the peer port's pending bit and, only if that made it
 * deliverable, writes the peer's eventfd; pending reads the handle's own; unmask writes it only
 * if an event came meanwhile.  See hvport.h for the protocol and its barriers.
 *
 * notify may be called from several threads, for different or the same ports, while others
 * bind: an area stays mapped as long as a port of the handle refers to it, and a wake fd keeps
 * its number for the life of the port.  As with the real one, unbinding a port that another
 * thread is using is the caller's mistake.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <fcntl.h>
#include <stdint.h>
#include "loopback/hvclient.h"
#include "loopback/hvport.h"
#include "loopback/libxenevtchn.h"

/* How notifies of one of our ports reach the other end. */
struct peer {
	struct hv_area *area;
	uint32_t domid;
	uint32_t wake_id; /* handle that wake_fd belongs to; 0 = none */
	int wake_fd;
};

struct xenevtchn_handle {
	struct hv *hv;
	int fd;
	struct hv_area *own;
	struct hv_op_stats *stats;
	pthread_mutex_t lock; /* of areas, and of changes to peer[] */
	struct hv_area *areas;
	uint64_t mine[HV_MAX_PORTS / 64]; /* ports of this handle */
	uint32_t top;			  /* they are all below */
	uint32_t last;			  /* returned by pending: the next gets its turn first */
	struct peer peer[HV_MAX_PORTS];
};

static int fail(int err)
{
	errno = -err;
	return -1;
}

static bool port_mine(struct xenevtchn_handle *xce, uint32_t port)
{
	return port < HV_MAX_PORTS &&
	       __atomic_load_n(&xce->mine[port / 64], __ATOMIC_ACQUIRE) >> port % 64 & 1;
}

static struct hv_port *port_state(struct xenevtchn_handle *xce, uint32_t port)
{
	return &xce->own->ctl->port[port];
}

/* Called with the lock held.  NULL if the domain is no more. */
static struct hv_area *area_get(struct xenevtchn_handle *xce, uint32_t domid)
{
	struct hv_area *a;

	for (a = xce->areas; a; a = a->next)
		if (a->domid == domid)
			break;
	if (!a) {
		a = hv_area_map(xce->hv, domid, false);
		if (!a)
			return NULL;
		a->next = xce->areas;
		xce->areas = a;
	}
	a->users++;
	return a;
}

static void area_put(struct xenevtchn_handle *xce, struct hv_area *area)
{
	struct hv_area **a = &xce->areas;

	if (!area || --area->users)
		return;
	while (*a != area)
		a = &(*a)->next;
	*a = area->next;
	hv_area_unmap(area);
}

static void port_add(struct xenevtchn_handle *xce, uint32_t port, uint32_t domid)
{
	struct peer *p = &xce->peer[port];

	pthread_mutex_lock(&xce->lock);
	p->wake_fd = -1;
	p->wake_id = 0;
	p->domid = domid;
	__atomic_store_n(&p->area, area_get(xce, domid), __ATOMIC_RELEASE);
	if (port >= xce->top)
		__atomic_store_n(&xce->top, port + 1, __ATOMIC_RELEASE);
	/* Pairs with port_mine(): who sees the bit sees the peer. */
	__atomic_fetch_or(&xce->mine[port / 64], 1ull << port % 64, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&xce->lock);
}

static void port_remove(struct xenevtchn_handle *xce, uint32_t port)
{
	struct peer *p = &xce->peer[port];

	pthread_mutex_lock(&xce->lock);
	__atomic_fetch_and(&xce->mine[port / 64], ~(1ull << port % 64), __ATOMIC_RELEASE);
	area_put(xce, p->area);
	p->area = NULL;
	if (p->wake_fd >= 0)
		close(p->wake_fd);
	p->wake_fd = -1;
	pthread_mutex_unlock(&xce->lock);
}

static void handle_free(struct xenevtchn_handle *xce)
{
	struct hv_area *a;
	uint32_t port;

	for (port = 0; port < xce->top; port++)
		if (port_mine(xce, port) && xce->peer[port].wake_fd >= 0)
			close(xce->peer[port].wake_fd);
	while ((a = xce->areas)) {
		xce->areas = a->next;
		hv_area_unmap(a);
	}
	hv_area_unmap(xce->own);
	hv_close(xce->hv);
	if (xce->fd >= 0)
		close(xce->fd);
	pthread_mutex_destroy(&xce->lock);
	free(xce);
}

/* Takes the connection over; on failure closes it.  fd is the eventfd, or -1 to ask for it. */
static struct xenevtchn_handle *handle_new(struct hv *hv, int fd)
{
	struct hv_msg msg = {.op = HV_EVENTFD};
	struct xenevtchn_handle *xce = calloc(1, sizeof(*xce));
	int err;

	if (!xce) {
		hv_close(hv);
		errno = ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&xce->lock, NULL);
	xce->hv = hv;
	xce->fd = fd;
	xce->own = hv_area_map(hv, hv->domid, false);
	err = errno;
	if (xce->own)
		err = fd < 0 ? -hv_call(hv, &msg, NULL, 0, &xce->fd, 1) : 0;
	if (xce->own && !err) {
		xce->stats = &hv_slot(hv, xce->own->ctl)->caller;
		return xce;
	}
	handle_free(xce);
	errno = err;
	return NULL;
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
	struct hv *hv;
	struct xenevtchn_handle *xce;

	(void)logger;
	if (flags & ~(unsigned)XENEVTCHN_NO_CLOEXEC) {
		errno = EINVAL;
		return NULL;
	}
	hv = hv_open();
	xce = hv ? handle_new(hv, -1) : NULL;
	if (xce && flags & XENEVTCHN_NO_CLOEXEC) {
		fcntl(xce->fd, F_SETFD, 0);
		fcntl(hv->sock, F_SETFD, 0);
	}
	return xce;
}

xenevtchn_handle *xenevtchn_fdopen(struct xentoollog_logger *logger, int fd, unsigned open_flags)
{
	struct hv_ref *refs = calloc(HV_MAX_REFS, sizeof(*refs));
	struct xenevtchn_handle *xce = NULL;
	struct hv *hv = NULL;
	uint32_t i, n = 0;

	(void)logger;
	if (open_flags || !refs) {
		errno = open_flags ? EINVAL : ENOMEM;
	} else {
		hv = evtchn_reopen(fd, refs, &n);
		xce = hv ? handle_new(hv, fd) : NULL;
	}
	for (i = 0; xce && i < n; i++)
		port_add(xce, refs[i].ref, refs[i].domid);
	free(refs);
	return xce;
}

int xenevtchn_close(xenevtchn_handle *xce)
{
	if (xce)
		handle_free(xce);
	return 0;
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
	return xce->fd;
}

/* Sends a bind call; the new port is ours from here. */
static int port_bind(struct xenevtchn_handle *xce, struct hv_msg *msg)
{
	int rc = hv_call0(xce->hv, msg);

	if (rc < 0)
		return fail(rc);
	port_add(xce, msg->port, msg->domid);
	return (int)msg->port;
}

xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *xce, uint32_t domid)
{
	struct hv_msg msg = {.op = HV_BIND_UNBOUND, .domid = domid};

	return port_bind(xce, &msg);
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid,
						     evtchn_port_t remote_port)
{
	struct hv_msg msg = {.op = HV_BIND_INTERDOMAIN, .domid = domid, .port = remote_port};

	return port_bind(xce, &msg);
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *xce, unsigned int virq)
{
	struct hv_msg msg = {.op = HV_BIND_VIRQ, .id = virq};

	return port_bind(xce, &msg);
}

int xloop_evtchn_adopt(xenevtchn_handle *xce, evtchn_port_t port)
{
	struct hv_msg msg = {.op = HV_ADOPT, .port = port};

	return port_bind(xce, &msg) < 0 ? -1 : 0;
}

int xenevtchn_restrict(xenevtchn_handle *xce, domid_t domid)
{
	struct hv_msg msg = {.op = HV_EVTCHN_RESTRICT, .domid = domid};
	int rc = hv_call0(xce->hv, &msg);

	return rc < 0 ? fail(rc) : 0;
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
	struct hv_msg msg = {.op = HV_UNBIND, .port = port};
	int rc;

	if (!port_mine(xce, port))
		return fail(-ENOTCONN);
	rc = hv_call0(xce->hv, &msg);
	if (rc < 0)
		return fail(rc);
	port_remove(xce, port);
	return 0;
}

/*
 * The peer has a new owner: fetch its eventfd.  dup3 puts it under the number that other
 * threads may just be writing to; such a write wakes the new owner once too often.
 */
static int wake_refresh(struct xenevtchn_handle *xce, struct peer *p, uint32_t owner)
{
	struct hv_msg msg = {.op = HV_WAKEFD, .id = owner};
	int fd, rc = hv_call(xce->hv, &msg, NULL, 0, &fd, 1);

	if (rc < 0)
		return rc;
	if (p->wake_fd < 0) {
		p->wake_fd = fd;
	} else {
		dup3(fd, p->wake_fd, O_CLOEXEC);
		close(fd);
	}
	/* Pairs with the load in peer_wake(): who sees the id may use the fd. */
	__atomic_store_n(&p->wake_id, owner, __ATOMIC_RELEASE);
	return 0;
}

static void fd_add_token(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static bool peer_wake(struct xenevtchn_handle *xce, struct peer *p, uint32_t owner)
{
	int rc = 0;

	if (!owner)
		return true; /* nobody to wake: it is pending for the next owner */
	if (__atomic_load_n(&p->wake_id, __ATOMIC_ACQUIRE) != owner) {
		pthread_mutex_lock(&xce->lock);
		if (p->wake_id != owner)
			rc = wake_refresh(xce, p, owner);
		pthread_mutex_unlock(&xce->lock);
	}
	if (rc < 0)
		return false;
	fd_add_token(p->wake_fd);
	return true;
}

static struct hv_area *peer_area(struct xenevtchn_handle *xce, struct peer *p)
{
	struct hv_area *area = __atomic_load_n(&p->area, __ATOMIC_ACQUIRE);

	if (area)
		return area;
	pthread_mutex_lock(&xce->lock);
	if (!p->area)
		__atomic_store_n(&p->area, area_get(xce, p->domid), __ATOMIC_RELEASE);
	area = p->area;
	pthread_mutex_unlock(&xce->lock);
	return area;
}

/* Returns false if nobody can ever see it. */
static bool peer_notify(struct xenevtchn_handle *xce, uint32_t port)
{
	struct peer *p = &xce->peer[port];
	struct hv_area *area = peer_area(xce, p);
	uint64_t to = __atomic_load_n(&port_state(xce, port)->peer, __ATOMIC_ACQUIRE);
	struct hv_ctl *ctl;

	if (!to || !area)
		return false;
	ctl = area->ctl;
	hv_count(&hv_slot(xce->hv, ctl)->granter.notifies, 1);
	if (hv_fault_take(&ctl->fault.notify_in))
		return false;
	switch (hv_port_post(&ctl->port[hv_peer_port(to)], hv_peer_owner(to))) {
	case HV_POST_WAKE:
		return peer_wake(xce, p, hv_peer_owner(to));
	case HV_POST_QUIET:
		return true;
	default:
		return false; /* it just closed, or changes hands and gets an event by that */
	}
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
	if (!port_mine(xce, port))
		return fail(-ENOTCONN);
	hv_count(&xce->stats->notifies, 1);
	if (hv_fault_take(&xce->own->ctl->fault.notify) || !peer_notify(xce, port))
		hv_count(&xce->stats->notifies_lost, 1);
	return 0;
}

/* Takes the next port in turn that is queued (or, spurious, just not masked); 0 if none. */
static uint32_t port_take(struct xenevtchn_handle *xce, bool spurious)
{
	uint32_t top = __atomic_load_n(&xce->top, __ATOMIC_ACQUIRE);
	uint32_t last = __atomic_load_n(&xce->last, __ATOMIC_RELAXED);
	uint32_t i, port;

	for (i = 1; i <= top; i++) {
		port = (last + i) % top;
		if (!port_mine(xce, port) || !hv_port_take(port_state(xce, port), spurious))
			continue;
		__atomic_store_n(&xce->last, port, __ATOMIC_RELAXED);
		return port;
	}
	return 0;
}

/*
 * One token, one port.  A token whose port is gone (it was unbound, or hv added one for safety
 * when the peer died) is paid with a spurious event, which Xen's users must bear anyway: the
 * caller saw a readable fd and must not be left blocking.
 */
xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
	uint64_t token;
	uint32_t port;

	for (;;) {
		if (read(xce->fd, &token, sizeof(token)) < 0)
			return -1;
		port = port_take(xce, false);
		if (!port)
			port = port_take(xce, true);
		if (!port)
			continue;
		hv_count(&xce->stats->events, 1);
		return (int)port;
	}
}

int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
	if (!port_mine(xce, port))
		return 0; /* as a write to /dev/xen/evtchn: others' ports are passed over */
	hv_count(&xce->stats->unmasks, 1);
	if (hv_port_unmask(port_state(xce, port)))
		fd_add_token(xce->fd);
	return 0;
}
