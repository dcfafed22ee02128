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
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "loopback/blkfront_priv.h"

static const char *const stale_keys[] = {"ring-ref",	"ring-page-order", "num-ring-pages",
					 "multi-queue", "queue-",	   "event-channel",
					 "protocol",	"feature-",	   NULL};

struct number_key {
	char name[32], value[12];
};

struct keys {
	struct front_key *key;
	struct number_key *number; /* the texts of those that are numbers */
	size_t n, numbers;
};

static void key_text(struct keys *k, const char *name, const char *value)
{
	k->key[k->n++] = (struct front_key){name, value};
}

static void __attribute__((format(printf, 3, 4)))
key_number(struct keys *k, unsigned int value, const char *name, ...)
{
	struct number_key *number = &k->number[k->numbers++];
	va_list ap;

	va_start(ap, name);
	vsnprintf(number->name, sizeof(number->name), name, ap);
	va_end(ap);
	snprintf(number->value, sizeof(number->value), "%u", value);
	key_text(k, number->name, number->value);
}

static void queue_keys(struct keys *k, const struct blkfront *bf, unsigned int i)
{
	const struct blkfront_queue *q = bf->queue[i];
	char dir[16] = "";

	if (bf->info.queues > 1)
		snprintf(dir, sizeof(dir), "queue-%u/", i);
	if (bf->ring_pages == 1)
		key_number(k, q->ring_ref[0], "%sring-ref", dir);
	for (unsigned int page = 0; bf->ring_pages > 1 && page < bf->ring_pages; page++)
		key_number(k, q->ring_ref[page], "%sring-ref%u", dir, page);
	key_number(k, q->port, "%sevent-channel", dir);
}

static void all_keys(struct keys *k, const struct blkfront *bf)
{
	if (bf->info.queues > 1)
		key_number(k, bf->info.queues, "multi-queue-num-queues");
	if (bf->ring_pages > 1)
		key_number(k, bf->opts.ring_order, "ring-page-order");
	for (unsigned int i = 0; i < bf->info.queues; i++)
		queue_keys(k, bf, i);
	key_text(k, "protocol", bf->abi->protocol);
	/* Its offer is only certain when it is connected, so this doesn't depend on it. */
	key_text(k, "feature-persistent", bf->opts.persistent ? "1" : "0");
	for (size_t i = 0; i < bf->opts.nr_keys; i++)
		k->key[k->n++] = bf->opts.keys[i];
}

int blkfront_keys_publish(struct blkfront *bf)
{
	size_t numbers = 2 + bf->info.queues * (bf->ring_pages + 1);
	struct keys k = {calloc(numbers + 2 + bf->opts.nr_keys, sizeof(*k.key)),
			 calloc(numbers, sizeof(*k.number)), 0, 0};
	int err = -ENOMEM;

	if (k.key && k.number) {
		all_keys(&k, bf);
		err = front_publish(&bf->front, stale_keys, k.key, k.n, XenbusStateInitialised);
	}
	free(k.key);
	free(k.number);
	return err;
}
