// SPDX-License-Identifier: MIT
/*
 * Packets from the backend.  Each slot of the ring has a page on offer, and a response or an extra
 * stands in the slot whose page it used, which is how extras, which have no id, give back theirs
 * (netif.h, "Guest receive").
 *
 * It must never believe a response: pieces that leave their page, a packet that is not there whole,
 * an id that is not the slot's, an extra or a flag that we did not ask for close the device with
 * one sentence.  Each slot is read from the shared ring once.
 */
#include <errno.h>
#include <stdio.h>

#include "loopback/netfront_priv.h"

union slot {
	struct netif_rx_response rsp;
	struct netif_extra_info extra;
	uint32_t word[2];
};

/* One packet being taken off the ring. */
struct taking {
	struct netfront_queue *q;
	RING_IDX prod; /* the backend's, read once */
	struct netfront_packet *pkt;
	unsigned int seen; /* types of extras, a bit each */
	bool error;	   /* a slot holds one */
	const char *why;   /* what can't be */
};

static bool bad(struct taking *t, const char *why)
{
	t->why = why;
	return false;
}

/* The next slot, and the page that was on offer there, which is now held. */
static bool slot_next(struct taking *t, union slot *slot, unsigned int *page)
{
	struct netfront_queue *q = t->q;
	RING_IDX at = q->rx.rsp_cons;
	const volatile uint32_t *from;

	if (at == t->prod)
		return bad(t, "a packet that is not there whole");
	from = (const volatile uint32_t *)RING_GET_RESPONSE(&q->rx, at);
	slot->word[0] = from[0];
	slot->word[1] = from[1];
	*page = q->rx_page[at & (NETFRONT_ENTRIES - 1)];
	q->held[q->helds++] = (uint16_t)*page;
	q->rx.rsp_cons++;
	q->stats.rx_slots++;
	return true;
}

static bool extra_gso(struct taking *t, const struct netif_extra_info *e)
{
	bool known = e->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV4 ||
		     e->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV6;

	if (t->q->nf->opts.no_gso || t->q->nf->opts.no_sg)
		return bad(t, "a super-packet, which we do not take");
	if (!known || !e->u.gso.size)
		return bad(t, "a super-packet of no kind or without a size");
	t->pkt->gso_type = e->u.gso.type;
	t->pkt->gso_size = e->u.gso.size;
	return true;
}

static bool extra_hash(struct taking *t, const struct netif_extra_info *e)
{
	if (e->u.hash.algorithm != XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ ||
	    e->u.hash.type > _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)
		return bad(t, "a hash of no kind");
	t->pkt->hashed = true;
	t->pkt->hash_type = e->u.hash.type;
	for (unsigned int i = 0; i < 4; i++)
		t->pkt->hash |= (uint32_t)e->u.hash.value[i] << 8 * i;
	return true;
}

static bool extra_take(struct taking *t, const struct netif_extra_info *e)
{
	if (e->type < 32 && t->seen & 1U << e->type)
		return bad(t, "two extras of one type");
	switch (e->type) {
	case XEN_NETIF_EXTRA_TYPE_GSO:
		t->seen |= 1U << XEN_NETIF_EXTRA_TYPE_GSO;
		return extra_gso(t, e);
	case XEN_NETIF_EXTRA_TYPE_HASH:
		t->seen |= 1U << XEN_NETIF_EXTRA_TYPE_HASH;
		return extra_hash(t, e);
	case NETFRONT_EXTRA_XDP:
		t->seen |= 1U << NETFRONT_EXTRA_XDP;
		return t->q->nf->opts.headroom || bad(t, "headroom, which we did not ask for");
	default:
		return bad(t, "an extra of a type that no frontend takes");
	}
}

static bool extras_take(struct taking *t)
{
	union slot slot;
	unsigned int page;

	do {
		if (!slot_next(t, &slot, &page) || !extra_take(t, &slot.extra))
			return false;
	} while (slot.extra.flags & XEN_NETIF_EXTRA_FLAG_MORE);
	return true;
}

static bool piece_take(struct taking *t, const struct netif_rx_response *rsp, unsigned int page)
{
	struct netfront_packet *pkt = t->pkt;

	if (rsp->id != page)
		return bad(t, "an id that is not the slot's");
	if (rsp->status < 0) {
		t->error = true;
		return true;
	}
	if (!rsp->status || rsp->offset + (unsigned int)rsp->status > NETFRONT_PAGE)
		return bad(t, "a piece that is empty or leaves its page");
	if (pkt->frags == NETFRONT_MAX_FRAGS)
		return bad(t, "a packet of too many pieces");
	if (!pkt->frags)
		pkt->headroom = rsp->offset;
	pkt->frag[pkt->frags++] = (struct iovec){
		.iov_base = (char *)netfront_page(t->q, NETFRONT_ENTRIES + page) + rsp->offset,
		.iov_len = (size_t)rsp->status};
	pkt->len += (uint32_t)rsp->status;
	return true;
}

static bool first_take(struct taking *t, const struct netif_rx_response *rsp)
{
	const struct netfront_opts *o = &t->q->nf->opts;

	t->pkt->csum_blank = rsp->flags & NETRXF_csum_blank;
	t->pkt->csum_valid = rsp->flags & NETRXF_data_validated;
	if (rsp->flags & NETRXF_gso_prefix)
		return bad(t, "a GSO prefix, which we did not ask for");
	if (t->pkt->csum_blank && o->no_csum)
		return bad(t, "a blank checksum, which we do not take");
	if (rsp->flags & NETRXF_more_data && o->no_sg)
		return bad(t, "a packet of several pieces, which we do not take");
	if (rsp->status >= 0 && rsp->offset < o->headroom && t->q->nf->info.headroom)
		return bad(t, "a packet without the headroom that we asked for");
	return true;
}

static bool packet_take(struct taking *t)
{
	unsigned int page, flags;
	union slot slot;

	if (!slot_next(t, &slot, &page) || !first_take(t, &slot.rsp) ||
	    !piece_take(t, &slot.rsp, page))
		return false;
	flags = slot.rsp.flags;
	if (flags & NETRXF_extra_info && !extras_take(t))
		return false;
	while (flags & NETRXF_more_data) {
		if (!slot_next(t, &slot, &page) || !piece_take(t, &slot.rsp, page))
			return false;
		flags = slot.rsp.flags;
	}
	return true;
}

void netfront_rx_release(struct netfront_queue *q)
{
	for (unsigned int i = 0; i < q->helds; i++) {
		uint16_t page = q->held[i];
		RING_IDX at = q->rx.req_prod_pvt++;
		struct netif_rx_request req = {.id = page, .gref = q->ref[NETFRONT_ENTRIES + page]};

		*RING_GET_REQUEST(&q->rx, at) = req;
		q->rx_page[at & (NETFRONT_ENTRIES - 1)] = page;
	}
	q->helds = 0;
}

int netfront_rx_take(struct netfront_queue *q, struct netfront_packet *pkt)
{
	struct taking t = {
		.q = q, .prod = *(volatile RING_IDX *)&q->rx.sring->rsp_prod, .pkt = pkt};
	int err = netfront_error(q->nf);
	char why[160];

	netfront_rx_release(q);
	if (err)
		return err;
	if (t.prod - q->rx.rsp_cons > q->rx.req_prod_pvt - q->rx.rsp_cons)
		t.why = "more than there were pages for";
	xen_rmb(); /* rsp_prod before the responses: pairs with the backend's wmb before rsp_prod */
	while (!t.why && t.prod != q->rx.rsp_cons) {
		*pkt = (struct netfront_packet){0};
		t.error = false;
		t.seen = 0;
		if (!packet_take(&t))
			break;
		if (!t.error) {
			q->stats.rx_packets++;
			q->stats.rx_bytes += pkt->len;
			return 1;
		}
		q->stats.rx_errors++;
		netfront_rx_release(q);
	}
	if (!t.why)
		return 0;
	snprintf(why, sizeof(why), "the backend sent %s", t.why);
	netfront_fail(q->nf, -EPROTO, why);
	return -EPROTO;
}
