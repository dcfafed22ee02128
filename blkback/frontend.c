// SPDX-License-Identifier: MIT
/*
 * The frontend's directory, which the guest writes: each node is read once, as a number within
 * bounds or one of a few words, and nothing else of it is used.  xen/io/blkif.h says what stands
 * where: a frontend with one queue has its nodes in its directory, one with more has them in
 * queue-0, queue-1, ..., and none above.
 */
#include "blkback/frontend.h"

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
	struct vbd_connect *connect;
	char *why;
	size_t why_size;
	bool order_told; /* it wrote ring-page-order or num-ring-pages */
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

static int read_abi(struct reading *r)
{
	char *protocol = store_read(r->store, "%s/protocol", r->device->frontend);
	uint32_t *abi = &r->connect->abi;
	int err = 0;

	/* No node means the 32-bit layout on x86: what Linux' backend assumes, and old guests need.
	 */
	if (!protocol && errno == ENOENT)
		*abi = ABI_X86_32;
	else if (protocol && strcmp(protocol, abis[ABI_X86_64].protocol) == 0)
		*abi = ABI_X86_64;
	else if (protocol && strcmp(protocol, abis[ABI_X86_32].protocol) == 0)
		*abi = ABI_X86_32;
	else
		err = bad_node(r, -EINVAL,
			       "its frontend speaks protocol '%.40s'; only x86_64-abi and "
			       "x86_32-abi are served",
			       protocol ? protocol : "?");
	free(protocol);
	return err;
}

/* ring-page-order, or num-ring-pages of older frontends, or neither: one page. */
static int read_order(struct reading *r)
{
	const char *dir = r->device->frontend;
	uint64_t value = 0;
	int err = store_read_number(r->store, BLKRING_ORDER_MAX, &value, "%s/ring-page-order", dir);

	if (err == -ENOENT) {
		err = store_read_number(r->store, BLKRING_PAGES_MAX, &value, "%s/num-ring-pages",
					dir);
		if (err == 0 && (value == 0 || value & (value - 1)))
			err = -EINVAL;
		if (err == 0)
			value = (uint64_t)__builtin_ctzll(value);
	}
	if (err == -EINVAL)
		return bad_node(r, err,
				"its frontend's ring-page-order or num-ring-pages is no size of a "
				"ring; 1, 2, 4, 8 or 16 pages are served");
	r->order_told = err == 0;
	r->connect->ring_order = err == 0 ? (uint32_t)value : 0;
	return err == -ENOENT ? 0 : err;
}

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

/* Only what was offered can be taken; whatever is no 1 is a no. */
static int read_persistent(struct reading *r)
{
	uint64_t value = 0;
	int err = 0;

	if (r->device->sup->persistent)
		err = store_read_number(r->store, 1, &value, "%s/feature-persistent",
					r->device->frontend);
	r->connect->persistent = err == 0 && value == 1;
	return err == -ENOENT || err == -EINVAL ? 0 : err;
}

static int read_number(const struct reading *r, const char *dir, const char *key, uint32_t *number)
{
	uint64_t value;
	int err = store_read_number(r->store, UINT32_MAX, &value, "%s/%s", dir, key);

	*number = err == 0 ? (uint32_t)value : 0;
	return err;
}

/* The page is one of a ring that was read before it; no ring would survive that. */
static bool ref_is_taken(const struct reading *r, const uint32_t *ref)
{
	uint32_t pages = 1u << r->connect->ring_order;

	for (uint32_t q = 0; q < r->connect->queues; q++)
		for (uint32_t i = 0; i < pages; i++) {
			const uint32_t *other = &r->connect->nodes[q].ring_refs[i];

			if (other == ref)
				return false;
			if (*other == *ref)
				return true;
		}
	return false;
}

/*
 * A ring of one page is named by ring-ref; only a frontend that wrote ring-page-order may have
 * named it by ring-ref0 instead.  A ring-ref0 without it is a leftover of an earlier frontend.
 */
static int read_refs(struct reading *r, const char *dir, struct queue_nodes *nodes)
{
	uint32_t order = r->connect->ring_order;
	char key[16] = "ring-ref";
	int err = 0;

	if (order == 0) {
		err = read_number(r, dir, key, &nodes->ring_refs[0]);
		if (err == -ENOENT && r->order_told)
			err = read_number(r, dir, "ring-ref0", &nodes->ring_refs[0]);
		if (err == 0 && ref_is_taken(r, &nodes->ring_refs[0]))
			err = -EEXIST;
	}
	for (uint32_t i = 0; order > 0 && i < 1u << order && err == 0; i++) {
		snprintf(key, sizeof(key), "ring-ref%u", i);
		err = read_number(r, dir, key, &nodes->ring_refs[i]);
		if (err == 0 && ref_is_taken(r, &nodes->ring_refs[i]))
			err = -EEXIST;
	}
	if (err == -ENOENT || err == -EINVAL || err == -EEXIST)
		return bad_node(r, err, "its frontend's %s is %s", key,
				err == -ENOENT	 ? "missing"
				: err == -EINVAL ? "no grant reference"
						 : "a page that a ring has already");
	return err;
}

static int read_queue(struct reading *r, uint32_t index)
{
	struct queue_nodes *nodes = &r->connect->nodes[index];
	char dir[DIR_MAX];
	int err;

	if (r->connect->queues > 1)
		snprintf(dir, sizeof(dir), "%s/queue-%u", r->device->frontend, index);
	else
		snprintf(dir, sizeof(dir), "%s", r->device->frontend);
	err = read_refs(r, dir, nodes);
	if (err < 0)
		return err;
	err = read_number(r, dir, "event-channel", &nodes->event_channel);
	if (err == -ENOENT || err == -EINVAL || nodes->event_channel >= EVENT_CHANNEL_MAX)
		return bad_node(r, -EINVAL, "its frontend's event-channel is %s",
				err == -ENOENT ? "missing" : "no event channel");
	return err;
}

int frontend_read(struct device *device, struct vbd_connect *connect, char *why, size_t why_size)
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
	err = read_abi(&r);
	if (err == 0)
		err = read_order(&r);
	if (err == 0)
		err = read_queues(&r);
	if (err == 0)
		err = read_persistent(&r);
	for (uint32_t i = 0; i < connect->queues && err == 0; i++)
		err = read_queue(&r, i);
	return err;
}
