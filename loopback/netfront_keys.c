// SPDX-License-Identifier: MIT
/*
 * What a NIC's frontend tells its backend: the keys of device/vif/DEVID, as netif.h has them and
 * Linux writes them.  One queue's rings are named at the top, as ever; two or more each in a
 * directory of their own, and then there is nothing of them at the top.
 *
 * Keys of an earlier connection are removed in the same transaction.
 */
#include <errno.h>
#include <stdio.h>

#include "loopback/front_keys.h"
#include "loopback/netfront_priv.h"

/* A queue has up to 4 keys; of the rest there are a dozen. */
#define KEYS_QUEUE 4
#define KEYS_REST  16

static const char *const stale_keys[] = {
	"tx-ring-ref", "rx-ring-ref", "event-channel", "queue-",       "multi-queue-num-queues",
	"request-",    "feature-",    "ctrl-ring-ref", "xdp-headroom", NULL};

static void queue_keys(struct front_keys *k, const struct netfront *nf, unsigned int i)
{
	const struct netfront_queue *q = nf->queue[i];
	char dir[16] = "";

	if (nf->info.queues > 1)
		snprintf(dir, sizeof(dir), "queue-%u/", i);
	front_keys_number(k, q->tx_ref, "%stx-ring-ref", dir);
	front_keys_number(k, q->rx_ref, "%srx-ring-ref", dir);
	if (!nf->info.split) {
		front_keys_number(k, q->tx_port, "%sevent-channel", dir);
		return;
	}
	front_keys_number(k, q->tx_port, "%sevent-channel-tx", dir);
	front_keys_number(k, q->rx_port, "%sevent-channel-rx", dir);
}

static void feature_keys(struct front_keys *k, const struct netfront_opts *o)
{
	front_keys_text(k, "request-rx-copy", "1");
	if (!o->no_rx_notify)
		front_keys_text(k, "feature-rx-notify", "1");
	if (!o->no_sg)
		front_keys_text(k, "feature-sg", "1");
	if (!o->no_sg && !o->no_gso) {
		front_keys_text(k, "feature-gso-tcpv4", "1");
		front_keys_text(k, "feature-gso-tcpv6", "1");
	}
	front_keys_text(k, o->no_csum ? "feature-no-csum-offload" : "feature-ipv6-csum-offload",
			"1");
	if (o->multicast)
		front_keys_text(k, "request-multicast-control", "1");
	if (o->headroom)
		front_keys_number(k, o->headroom, "xdp-headroom");
}

static void all_keys(struct front_keys *k, const struct netfront *nf)
{
	if (nf->info.queues > 1)
		front_keys_number(k, nf->info.queues, "multi-queue-num-queues");
	for (unsigned int i = 0; i < nf->info.queues; i++)
		queue_keys(k, nf, i);
	feature_keys(k, &nf->opts);
	if (nf->info.ctrl) {
		front_keys_number(k, nf->ctrl_ring_ref, "ctrl-ring-ref");
		front_keys_number(k, nf->ctrl_port, "event-channel-ctrl");
	}
	for (size_t i = 0; i < nf->opts.nr_keys; i++)
		front_keys_text(k, nf->opts.keys[i].key, nf->opts.keys[i].value);
}

int netfront_keys_publish(struct netfront *nf)
{
	struct front_keys k;
	int err = front_keys_init(&k, nf->info.queues * KEYS_QUEUE + KEYS_REST + nf->opts.nr_keys);

	if (!err) {
		all_keys(&k, nf);
		err = front_publish(&nf->front, stale_keys, k.key, k.n, XenbusStateConnected);
	}
	front_keys_free(&k);
	return err;
}
