// SPDX-License-Identifier: MIT
/*
 * The frontend's directory, which the guest writes: each node is read once, as a number within
 * bounds, and nothing else of it is used.  xen/io/netif.h says what stands where: a frontend with
 * one queue has its nodes in its directory, one with more has them in queue-0, queue-1, ..., and
 * none above.
 */
#include "netback/frontend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	EVENT_CHANNEL_MAX = 1 << 17, /* EVTCHN_FIFO_NR_CHANNELS */
	DIR_MAX = DEVICE_PATH_MAX + 20
};

struct reading {
	struct store *store;
	const struct device *device;
	struct vif_connect *connect;
	char *why;
	size_t why_size;
};

static int __attribute__((format(printf, 3, 4)))
bad_node(struct reading *r, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, r->why_size, fmt, ap);
	va_end(ap);
	return err;
}

static int read_number(const struct reading *r, const char *dir, const char *key, uint32_t *number)
{
	uint64_t value;
	int err = store_read_number(r->store, UINT32_MAX, &value, "%s/%s", dir, key);

	*number = err == 0 ? (uint32_t)value : 0;
	return err;
}

/* ---- features ----------------------------------------------------------------------------- */

/* As Linux reads them: any number but 0 is a yes, and what is none is as if it were not there. */
static int read_flag(const struct reading *r, const char *key, uint32_t bit, bool inverted)
{
	uint32_t value = 0;
	int err = read_number(r, r->device->frontend, key, &value);
	bool flag = err == 0 && value != 0;

	if (flag != inverted)
		r->connect->features |= bit;
	return err == -ENOENT || err == -EINVAL ? 0 : err;
}

static int read_features(struct reading *r)
{
	static const struct {
		const char *key;
		uint32_t bit;
		bool inverted;
	} flags[] = {
		{"feature-sg", VNET_SG, false},
		{"feature-gso-tcpv4", VNET_GSO4, false},
		{"feature-gso-tcpv6", VNET_GSO6, false},
		{"feature-no-csum-offload", VNET_CSUM4, true},
		{"feature-ipv6-csum-offload", VNET_CSUM6, false},
		{"feature-rx-notify", VNET_RX_NOTIFY, false},
	};
	uint32_t *features = &r->connect->features;
	int err = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && err == 0; i++)
		err = read_flag(r, flags[i].key, flags[i].bit, flags[i].inverted);
	/* A super-frame is of many slots, and has a blank checksum. */
	if (!(*features & VNET_SG) || !(*features & VNET_CSUM4))
		*features &= ~(uint32_t)VNET_GSO4;
	if (!(*features & VNET_SG) || !(*features & VNET_CSUM6))
		*features &= ~(uint32_t)VNET_GSO6;
	return err;
}

/* Flipping pages is history; a frontend that does not ask for copies would wait for it. */
static int read_copy(struct reading *r)
{
	uint32_t value;
	int err = read_number(r, r->device->frontend, "request-rx-copy", &value);

	if ((err == 0 && value != 0) || (err < 0 && err != -ENOENT && err != -EINVAL))
		return err;
	return bad_node(
		r, -EOPNOTSUPP,
		"its frontend does not write request-rx-copy=1, and packets are only copied");
}

/* ---- queues ------------------------------------------------------------------------------- */

static int read_queues(struct reading *r)
{
	uint32_t max = r->device->sup->threads;
	uint64_t value = 1;
	int err = store_read_number(r->store, max, &value, "%s/multi-queue-num-queues",
				    r->device->frontend);

	if (err == -EINVAL || (err == 0 && value == 0))
		return bad_node(r, -EINVAL,
				"its frontend's multi-queue-num-queues is no number from 1 to %u, "
				"which multi-queue-max-queues says",
				max);
	r->connect->queues = err == 0 ? (uint32_t)value : 1;
	return err == -ENOENT ? 0 : err;
}

/* The page is a ring's that was read before it; no ring would survive that. */
static bool ref_is_taken(const struct reading *r, uint32_t index, const uint32_t *ref)
{
	for (uint32_t i = 0; i <= index; i++) {
		const struct netq_nodes *other = &r->connect->nodes[i];

		if (&other->tx_ref == ref)
			return false;
		if (other->tx_ref == *ref || (&other->rx_ref != ref && other->rx_ref == *ref))
			return true;
	}
	return false;
}

static int read_ref(struct reading *r, const char *dir, const char *key, uint32_t index,
		    uint32_t *ref)
{
	int err = read_number(r, dir, key, ref);

	if (err == 0 && ref_is_taken(r, index, ref))
		err = -EEXIST;
	if (err == -ENOENT || err == -EINVAL || err == -EEXIST)
		return bad_node(r, err, "its frontend's %s of queue %u is %s", key, index,
				err == -ENOENT	 ? "missing"
				: err == -EINVAL ? "no grant reference"
						 : "a page that a ring has already");
	return err;
}

static int read_port(struct reading *r, const char *dir, const char *key, uint32_t *port)
{
	int err = read_number(r, dir, key, port);

	if (err == -EINVAL || (err == 0 && *port >= EVENT_CHANNEL_MAX))
		return bad_node(r, -EINVAL, "its frontend's %s is no event channel", key);
	return err;
}

/* Linux' netback looks for split ones first, and so does this. */
static int read_ports(struct reading *r, const char *dir, struct netq_nodes *nodes)
{
	int err = read_port(r, dir, "event-channel-tx", &nodes->port_tx);

	if (err == 0)
		err = read_port(r, dir, "event-channel-rx", &nodes->port_rx);
	if (err != -ENOENT)
		return err;
	err = read_port(r, dir, "event-channel", &nodes->port_tx);
	nodes->port_rx = nodes->port_tx;
	if (err == -ENOENT)
		return bad_node(
			r, err,
			"its frontend has neither event-channel-tx and -rx nor event-channel");
	return err;
}

static int read_queue(struct reading *r, uint32_t index)
{
	struct netq_nodes *nodes = &r->connect->nodes[index];
	char dir[DIR_MAX];
	int err;

	if (r->connect->queues > 1)
		snprintf(dir, sizeof(dir), "%s/queue-%u", r->device->frontend, index);
	else
		snprintf(dir, sizeof(dir), "%s", r->device->frontend);
	err = read_ref(r, dir, "tx-ring-ref", index, &nodes->tx_ref);
	if (err == 0)
		err = read_ref(r, dir, "rx-ring-ref", index, &nodes->rx_ref);
	return err == 0 ? read_ports(r, dir, nodes) : err;
}

/* A frontend that names none, or only half of one, has none: Linux' netback. */
static int read_ctrl(struct reading *r)
{
	struct vif_connect *connect = r->connect;
	int err = read_number(r, r->device->frontend, "ctrl-ring-ref", &connect->ctrl_ref);

	if (err == -ENOENT)
		return 0;
	if (err == 0)
		err = read_port(r, r->device->frontend, "event-channel-ctrl", &connect->ctrl_port);
	if (err == -ENOENT || err == -EINVAL)
		return bad_node(
			r, -EINVAL,
			"its frontend's ctrl-ring-ref and event-channel-ctrl are no control "
			"ring");
	for (uint32_t i = 0; i < connect->queues && err == 0; i++)
		if (connect->nodes[i].tx_ref == connect->ctrl_ref ||
		    connect->nodes[i].rx_ref == connect->ctrl_ref)
			return bad_node(r, -EEXIST,
					"its frontend's ctrl-ring-ref is a page that a ring has "
					"already");
	connect->has_ctrl = err == 0;
	return err;
}

/* What it may change later, too.  Whatever is no number is as if it were not there. */
int frontend_read_wishes(struct device *device, struct vif_settings *settings)
{
	struct store *store = &device->sup->store;
	uint64_t value = 0;
	int err = store_read_number(store, 1, &value, "%s/request-multicast-control",
				    device->frontend);

	settings->multicast = err == 0 && value == 1;
	if (err < 0 && err != -ENOENT && err != -EINVAL)
		return err;
	err = store_read_number(store, HEADROOM_MAX, &value, "%s/xdp-headroom", device->frontend);
	settings->headroom = err == 0 && value <= HEADROOM_USED_MAX ? (uint32_t)value : 0;
	return err == -ENOENT || err == -EINVAL ? 0 : err;
}

int frontend_read_vif(struct device *device, struct vif_connect *connect, char *why,
		      size_t why_size)
{
	struct reading r = {
		.store = &device->sup->store,
		.device = device,
		.connect = connect,
		.why = why,
		.why_size = why_size,
	};
	int err;

	why[0] = '\0';
	memset(connect, 0, sizeof(*connect));
	err = read_copy(&r);
	if (err == 0)
		err = read_features(&r);
	if (err == 0)
		err = read_queues(&r);
	for (uint32_t i = 0; i < connect->queues && err == 0; i++)
		err = read_queue(&r, i);
	if (err == 0)
		err = read_ctrl(&r);
	if (err == 0)
		err = frontend_read_wishes(device, &connect->settings);
	return err;
}
