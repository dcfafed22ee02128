// SPDX-License-Identifier: MIT
/*
 * What a disk's frontend tells its backend: the keys of device/vbd/DEVID, as blkif.h has them and
 * Linux writes them.  One queue's rings are named at the top, as ever; two or more each in a
 * directory of their own, and then there is nothing of them at the top.
 *
 * Keys of an earlier connection are removed in the same transaction: a ring-ref0 that a boot loader
 * left behind must not meet a backend that looks for it.
 */
#include <errno.h>
#include <stdio.h>

#include "loopback/blkfront_priv.h"
#include "loopback/front_keys.h"

static const char *const stale_keys[] = {"ring-ref",	"ring-page-order", "num-ring-pages",
					 "multi-queue", "queue-",	   "event-channel",
					 "protocol",	"feature-",	   NULL};

static void queue_keys(struct front_keys *k, const struct blkfront *bf, unsigned int i)
{
	const struct blkfront_queue *q = bf->queue[i];
	char dir[16] = "";

	if (bf->info.queues > 1)
		snprintf(dir, sizeof(dir), "queue-%u/", i);
	if (bf->ring_pages == 1)
		front_keys_number(k, q->ring_ref[0], "%sring-ref", dir);
	for (unsigned int page = 0; bf->ring_pages > 1 && page < bf->ring_pages; page++)
		front_keys_number(k, q->ring_ref[page], "%sring-ref%u", dir, page);
	front_keys_number(k, q->port, "%sevent-channel", dir);
}

static void all_keys(struct front_keys *k, const struct blkfront *bf)
{
	if (bf->info.queues > 1)
		front_keys_number(k, bf->info.queues, "multi-queue-num-queues");
	if (bf->ring_pages > 1)
		front_keys_number(k, bf->opts.ring_order, "ring-page-order");
	for (unsigned int i = 0; i < bf->info.queues; i++)
		queue_keys(k, bf, i);
	front_keys_text(k, "protocol", bf->abi->protocol);
	/* Its offer is only certain when it is connected, so this doesn't depend on it. */
	front_keys_text(k, "feature-persistent", bf->opts.persistent ? "1" : "0");
	for (size_t i = 0; i < bf->opts.nr_keys; i++)
		front_keys_text(k, bf->opts.keys[i].key, bf->opts.keys[i].value);
}

int blkfront_keys_publish(struct blkfront *bf)
{
	struct front_keys k;
	int err =
		front_keys_init(&k, 4 + bf->info.queues * (bf->ring_pages + 1) + bf->opts.nr_keys);

	if (!err) {
		all_keys(&k, bf);
		err = front_publish(&bf->front, stale_keys, k.key, k.n, XenbusStateInitialised);
	}
	front_keys_free(&k);
	return err;
}
