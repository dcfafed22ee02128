// SPDX-License-Identifier: MIT
/*
 * The kernel masks a port when it tells of it and we unmask it when all that are pending have been
 * told (xenevtchn.h, xenevtchn_pending): a guest that notifies in a storm is heard once a turn for
 * each of its ports, and costs a pending bit meanwhile.
 *
 * The handle is restricted to the guest (xenevtchn_restrict, enforced by the kernel): a captured
 * worker can't bind another guest's port.
 */
#include "common/port.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <xen/evtchn.h>

#include "common/crash.h"
#include "common/filter.h"
#include "common/log.h"

static struct port *port_find(const struct port_set *set, evtchn_port_t local)
{
	for (int i = 0; i < PORT_MAX; i++)
		if (set->ports[i] && set->ports[i]->local == local)
			return set->ports[i];
	return NULL;
}

/* Kicks what is pending; those are in a list, and masked yet. */
static struct port *port_set_kick(struct port_set *set)
{
	struct port *port, *kicked = NULL;

	do {
		int local = xenevtchn_pending(set->xce);

		if (local < 0) {
			set->stale = false;
			break;
		}
		port = port_find(set, (evtchn_port_t)local);
		if (!port)
			continue; /* unbound meanwhile */
		port->kicked(port);
		if (port->masked)
			continue; /* by one of its number that was unbound */
		port->masked = true;
		port->next_masked = kicked;
		kicked = port;
	} while (!port || set->bound > 1 || set->stale);
	return kicked;
}

/*
 * Takes the ports that are pending.  The descriptor is polled edge-like (multishot), so what is
 * there must be taken now; only a single bound port can't be pending twice, as it is masked
 * meanwhile, and saves the last, empty read.  What is left unread is not told again: Linux wakes
 * only for an event that finds none before it, so not one may stay behind.
 *
 * None is unmasked before all are read: a guest that storms on several ports would have us read for
 * ever (XSA-332).
 */
static void port_set_ready(void *arg, int events)
{
	struct port_set *set = arg;
	struct port *port, *next;

	if (events < 0)
		log_panic("can't poll the event channel device: %s", strerror(-events));
	for (port = port_set_kick(set); port; port = next) {
		next = port->next_masked;
		port->masked = false;
		if (port->set)
			xenevtchn_unmask(set->xce, port->local);
	}
}

/*
 * Without this a descriptor that was readable for a port unbound since would block the worker.
 * xenevtchn.h warns that it did not work in Linux 3.12; it does in 6.1.
 */
static int port_set_nonblock(const struct port_set *set)
{
	int fd = xenevtchn_fd(set->xce);
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int port_set_open(struct port_set *set)
{
	memset(set, 0, sizeof(*set));
	set->xce = xenevtchn_open(NULL, 0);
	return set->xce ? port_set_nonblock(set) : -errno;
}

int port_set_restrict(struct port_set *set, uint16_t domid)
{
	set->restricted = xenevtchn_restrict(set->xce, domid) == 0;
	return set->restricted || errno == ENOTTY || errno == EOPNOTSUPP ? 0 : -errno;
}

void port_set_start(struct port_set *set, struct loop *loop)
{
	set->poll = loop_poll_add(loop, xenevtchn_fd(set->xce), port_set_ready, set);
}

void port_set_close(struct port_set *set, struct loop *loop)
{
	loop_poll_del(loop, set->poll);
	xenevtchn_close(set->xce);
	set->poll = NULL;
	set->xce = NULL;
}

int port_bind(struct port *port, struct port_set *set, uint16_t domid, evtchn_port_t remote)
{
	for (int i = 0; i < PORT_MAX; i++) {
		int local;

		if (set->ports[i])
			continue;
		local = xenevtchn_bind_interdomain(set->xce, domid, remote);
		if (local < 0)
			return -errno;
		port->set = set;
		port->local = (evtchn_port_t)local;
		set->ports[i] = port;
		set->bound++;
		return 0;
	}
	return -ENOSPC;
}

void port_unbind(struct port *port)
{
	struct port_set *set = port->set;

	if (!set)
		return;
	for (int i = 0; i < PORT_MAX; i++)
		if (set->ports[i] == port)
			set->ports[i] = NULL;
	set->bound--;
	set->stale = true;
	xenevtchn_unbind(set->xce, port->local);
	port->set = NULL;
}

void port_notify(struct port *port)
{
	if (!port->set)
		return;
	crash_point();
	xenevtchn_notify(port->set->xce, port->local);
}

/* What libxenevtchn does; not among it: ports of other kinds, a virq, a reset. */
static const struct filter_rule port_rules[] = {
	FILTER_ALLOW(read),  /* the pending port */
	FILTER_ALLOW(write), /* unmask */
	FILTER_INT(ioctl, 1, IOCTL_EVTCHN_NOTIFY),
	FILTER_INT(ioctl, 1, IOCTL_EVTCHN_BIND_INTERDOMAIN),
	FILTER_INT(ioctl, 1, IOCTL_EVTCHN_UNBIND),
};

const struct filter port_filter = {FILTER_RULES(port_rules)};
