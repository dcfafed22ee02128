// SPDX-License-Identifier: MIT
/*
 * Packets from a NIC's frontend to its backend.  A request's id is the number of its page, so an
 * answer names what is free again; slots that hold an extra have no id and are answered NULL.
 *
 * The first request of a packet has the packet's whole size, the others their own (netif.h, "Guest
 * transmit").
 *
 * It must never believe a response: an id that is not under way, more NULLs than there were extras,
 * a status that netif.h does not have, or more responses than requests close the device with one
 * sentence.  Each response is read from the shared ring once.
 */
#include <errno.h>
#include <stdio.h>

#include "loopback/netfront_priv.h"

/* A packet has at most two extras: GSO and HASH. */
#define EXTRAS 2

bool netfront_tx_room(struct netfront_queue *q, struct netfront_packet *pkt, unsigned int pages)
{
	if (pages > q->idles || pages > NETFRONT_MAX_FRAGS ||
	    netfront_tx_used(q) + pages + EXTRAS > NETFRONT_ENTRIES)
		return false;
	for (unsigned int i = 0; i < pages; i++) {
		pkt->frag[i].iov_base = netfront_page(q, q->idle[q->idles - 1 - i]);
		pkt->frag[i].iov_len = NETFRONT_PAGE;
	}
	pkt->frags = pages;
	return true;
}

static bool can_express(const struct netfront_queue *q, const struct netfront_packet *pkt)
{
	const struct netfront_info *info = &q->nf->info;

	if (!pkt->len || pkt->len > XEN_NETIF_MAX_TX_SIZE ||
	    (pkt->len > NETFRONT_PAGE && !info->sg))
		return false;
	switch (pkt->gso_type) {
	case XEN_NETIF_GSO_TYPE_NONE:
		return true;
	case XEN_NETIF_GSO_TYPE_TCPV4:
		return info->gso4 && pkt->csum_blank && pkt->gso_size;
	case XEN_NETIF_GSO_TYPE_TCPV6:
		return info->gso6 && pkt->csum_blank && pkt->gso_size;
	default:
		return false;
	}
}

static uint16_t first_flags(const struct netfront_packet *pkt)
{
	unsigned int flags = 0;

	if (pkt->csum_blank)
		flags |= NETTXF_csum_blank | NETTXF_data_validated;
	else if (pkt->csum_valid)
		flags |= NETTXF_data_validated;
	if (pkt->gso_type || pkt->hashed)
		flags |= NETTXF_extra_info;
	return (uint16_t)flags;
}

static void put_page(struct netfront_queue *q, uint16_t size, uint16_t flags)
{
	uint16_t page = q->idle[--q->idles];
	struct netif_tx_request req = {
		.gref = q->ref[page], .flags = flags, .id = page, .size = size};

	q->busy[page] = true;
	*RING_GET_REQUEST(&q->tx, q->tx.req_prod_pvt) = req;
	q->tx.req_prod_pvt++;
	q->stats.tx_slots++;
}

static void put_extra(struct netfront_queue *q, const struct netif_extra_info *extra)
{
	memcpy(RING_GET_REQUEST(&q->tx, q->tx.req_prod_pvt), extra, sizeof(*extra));
	q->tx.req_prod_pvt++;
	q->extras++;
}

static void put_extras(struct netfront_queue *q, const struct netfront_packet *pkt)
{
	struct netif_extra_info gso = {.type = XEN_NETIF_EXTRA_TYPE_GSO,
				       .flags = pkt->hashed ? XEN_NETIF_EXTRA_FLAG_MORE : 0,
				       .u.gso = {.size = pkt->gso_size, .type = pkt->gso_type}};
	struct netif_extra_info hash = {
		.type = XEN_NETIF_EXTRA_TYPE_HASH,
		.u.hash = {.type = pkt->hash_type,
			   .algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ}};

	if (pkt->gso_type)
		put_extra(q, &gso);
	if (!pkt->hashed)
		return;
	for (unsigned int i = 0; i < 4; i++) /* least significant first: netif.h, "HASH" */
		hash.u.hash.value[i] = (uint8_t)(pkt->hash >> 8 * i);
	put_extra(q, &hash);
}

int netfront_tx_send(struct netfront_queue *q, const struct netfront_packet *pkt)
{
	unsigned int pages = (pkt->len + NETFRONT_PAGE - 1) / NETFRONT_PAGE;
	uint32_t left = pkt->len;

	if (!can_express(q, pkt) || pages > q->idles ||
	    netfront_tx_used(q) + pages + EXTRAS > NETFRONT_ENTRIES)
		return -EINVAL;
	put_page(q, (uint16_t)pkt->len,
		 (uint16_t)(first_flags(pkt) | (pages > 1 ? NETTXF_more_data : 0)));
	put_extras(q, pkt);
	while (--pages) {
		left -= NETFRONT_PAGE;
		put_page(q, (uint16_t)(left < NETFRONT_PAGE ? left : NETFRONT_PAGE),
			 pages > 1 ? NETTXF_more_data : 0);
	}
	q->stats.tx_packets++;
	q->stats.tx_bytes += pkt->len;
	return 0;
}

/* A request that sends nothing and only carries an extra: netif.h, "Multicast control". */
int netfront_tx_multicast(struct netfront_queue *q, const uint8_t mac[NETFRONT_MAC], bool add)
{
	struct netif_extra_info extra = {.type = add ? XEN_NETIF_EXTRA_TYPE_MCAST_ADD
						     : XEN_NETIF_EXTRA_TYPE_MCAST_DEL};

	if (!q->nf->info.multicast)
		return -EOPNOTSUPP;
	if (!q->idles || netfront_tx_used(q) + EXTRAS > NETFRONT_ENTRIES)
		return -EAGAIN;
	memcpy(extra.u.mcast.addr, mac, NETFRONT_MAC);
	put_page(q, 0, NETTXF_extra_info);
	put_extra(q, &extra);
	return 0;
}

/* ---- answers -------------------------------------------------------------------------------- */

static int answer_bad(struct netfront_queue *q, const struct netif_tx_response *rsp)
{
	char why[160];

	snprintf(why, sizeof(why),
		 "the backend answered sent packet's id %u with status %d, which can't be", rsp->id,
		 rsp->status);
	netfront_fail(q->nf, -EPROTO, why);
	return -EPROTO;
}

static int answer_take(struct netfront_queue *q, const struct netif_tx_response *rsp)
{
	if (rsp->status == NETIF_RSP_NULL) { /* its id is nobody's */
		if (!q->extras)
			return answer_bad(q, rsp);
		q->extras--;
		return 0;
	}
	if (rsp->id >= NETFRONT_ENTRIES || !q->busy[rsp->id])
		return answer_bad(q, rsp);
	if (rsp->status == NETIF_RSP_ERROR)
		q->stats.tx_errors++;
	else if (rsp->status == NETIF_RSP_DROPPED)
		q->stats.tx_dropped++;
	else if (rsp->status != NETIF_RSP_OKAY)
		return answer_bad(q, rsp);
	q->busy[rsp->id] = false;
	q->idle[q->idles++] = rsp->id;
	return 0;
}

int netfront_tx_reclaim(struct netfront_queue *q)
{
	RING_IDX prod = *(volatile RING_IDX *)&q->tx.sring->rsp_prod;
	int err = netfront_error(q->nf);

	if (!err && prod - q->tx.rsp_cons > netfront_tx_used(q)) {
		netfront_fail(q->nf, -EPROTO, "the backend answered more than was sent");
		err = -EPROTO;
	}
	xen_rmb(); /* rsp_prod before the responses: pairs with the backend's wmb before rsp_prod */
	while (!err && q->tx.rsp_cons != prod) {
		const volatile uint32_t *from =
			(const volatile uint32_t *)RING_GET_RESPONSE(&q->tx, q->tx.rsp_cons);
		uint32_t word = *from;
		struct netif_tx_response rsp;

		memcpy(&rsp, &word, sizeof(rsp));
		q->tx.rsp_cons++;
		err = answer_take(q, &rsp);
	}
	return err;
}

unsigned int netfront_tx_pending(const struct netfront_queue *q)
{
	return NETFRONT_ENTRIES - q->idles;
}
