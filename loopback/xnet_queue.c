// SPDX-License-Identifier: MIT
/*
 * One queue of the guest's interface: packets between the tap's queue and the NIC's, both ways, by
 * one thread.  Packets are read into the granted pages and written from them; nothing is copied
 * here.
 *
 * netif.h and virtio say the same of a packet, but virtio says where a blank checksum stands: from
 * the tap that is left out if the backend can find out itself, else the checksum is finished; to
 * the tap it is looked for.  What can't be passed on is counted and dropped.
 */
#include <errno.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "loopback/headers.h"
#include "loopback/xnet.h"

#define BURST 64 /* packets of one direction before the other's turn */

/* ---- from the guest ----------------------------------------------------------------------------
 */

static bool gso_from(struct netfront_packet *pkt, const struct virtio_net_hdr *vh)
{
	switch (vh->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		pkt->gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		pkt->gso_type = XEN_NETIF_GSO_TYPE_TCPV6;
		break;
	default:
		return false;
	}
	pkt->gso_size = vh->gso_size;
	return true;
}

/* Only what a backend finds by itself may stay blank. */
static bool csum_from(struct netfront_packet *pkt, const struct virtio_net_hdr *vh)
{
	uint8_t head[HEADERS_MAX];
	size_t len = headers_copy(head, sizeof(head), pkt->frag, pkt->frags);
	struct headers h;

	if (!(vh->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	pkt->csum_blank = headers_parse(&h, head, len < pkt->len ? len : pkt->len) &&
			  h.l4 == vh->csum_start && h.csum == vh->csum_offset;
	return pkt->csum_blank ||
	       headers_sum(pkt->frag, pkt->frags, vh->csum_start, vh->csum_offset);
}

/* The pages as long as the packet, and no more of them than it has. */
static void frags_cut(struct netfront_packet *pkt)
{
	size_t left = pkt->len;

	for (unsigned int i = 0; i < pkt->frags; i++) {
		if (pkt->frag[i].iov_len > left)
			pkt->frag[i].iov_len = left;
		left -= pkt->frag[i].iov_len;
		if (!left) {
			pkt->frags = i + 1;
			return;
		}
	}
}

/* 1: sent or dropped; 0: the tap has none; -EAGAIN: no room on the ring. */
static int send_one(struct xnet_queue *xq)
{
	struct iovec iov[1 + NETFRONT_MAX_FRAGS];
	struct netfront_packet pkt = {0};
	struct virtio_net_hdr vh;
	ssize_t n;

	if (!netfront_tx_room(xq->q, &pkt, xq->pages))
		return -EAGAIN;
	iov[0] = (struct iovec){.iov_base = &vh, .iov_len = sizeof(vh)};
	memcpy(iov + 1, pkt.frag, pkt.frags * sizeof(*iov));
	n = readv(xq->tap, iov, (int)pkt.frags + 1);
	if (n <= (ssize_t)sizeof(vh))
		return 0;
	pkt.len = (uint32_t)((size_t)n - sizeof(vh));
	frags_cut(&pkt);
	pkt.csum_valid = vh.flags & VIRTIO_NET_HDR_F_DATA_VALID;
	if (!csum_from(&pkt, &vh) || !gso_from(&pkt, &vh) || netfront_tx_send(xq->q, &pkt))
		xq->oversize++;
	return 1;
}

/* Packets passed on; sets @blocked if there may be more and the ring is full. */
static unsigned int send_burst(struct xnet_queue *xq, bool *blocked)
{
	unsigned int n = 0;
	int ret = 1;

	if (netfront_tx_reclaim(xq->q))
		return 0;
	while (n < BURST && ret > 0) {
		ret = send_one(xq);
		n += ret > 0;
	}
	*blocked = ret == -EAGAIN;
	return n;
}

/* ---- to the guest ------------------------------------------------------------------------------
 */

/* False if the packet's headers are not those of what it is said to be. */
static bool vnet_to(struct virtio_net_hdr *vh, const struct netfront_packet *pkt)
{
	uint8_t head[HEADERS_MAX];
	struct headers h;

	*vh = (struct virtio_net_hdr){0};
	if (!pkt->csum_blank && !pkt->gso_type) {
		if (pkt->csum_valid)
			vh->flags = VIRTIO_NET_HDR_F_DATA_VALID;
		return true;
	}
	if (!headers_parse(&h, head, headers_copy(head, sizeof(head), pkt->frag, pkt->frags)))
		return false;
	vh->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	vh->csum_start = (uint16_t)h.l4;
	vh->csum_offset = (uint16_t)h.csum;
	if (!pkt->gso_type)
		return true;
	vh->gso_type = pkt->gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? VIRTIO_NET_HDR_GSO_TCPV4
								 : VIRTIO_NET_HDR_GSO_TCPV6;
	vh->gso_size = pkt->gso_size;
	vh->hdr_len = (uint16_t)h.length;
	return h.csum == 16; /* TCP's */
}

static void receive_one(struct xnet_queue *xq, const struct netfront_packet *pkt)
{
	struct iovec iov[1 + NETFRONT_MAX_FRAGS];
	struct virtio_net_hdr vh;

	iov[0] = (struct iovec){.iov_base = &vh, .iov_len = sizeof(vh)};
	memcpy(iov + 1, pkt->frag, pkt->frags * sizeof(*iov));
	/* A tap that is down takes nothing, as a NIC that is. */
	if (!vnet_to(&vh, pkt) || (writev(xq->tap, iov, (int)pkt->frags + 1) < 0 && errno != EIO))
		xq->oversize++;
}

static unsigned int receive_burst(struct xnet_queue *xq)
{
	struct netfront_packet pkt;
	unsigned int n = 0;

	while (n < BURST && netfront_rx_take(xq->q, &pkt) > 0) {
		receive_one(xq, &pkt);
		n++;
	}
	netfront_rx_release(xq->q);
	return n;
}

/* ---- the thread --------------------------------------------------------------------------------
 */

/* False: end. */
static bool queue_sleep(struct xnet_queue *xq, bool blocked)
{
	struct pollfd pfd[] = {
		{.fd = blocked ? -1 : xq->tap, .events = POLLIN},
		{.fd = netfront_queue_fd(xq->q), .events = POLLIN},
		{.fd = xq->stop_fd, .events = POLLIN},
	};

	if (poll(pfd, 3, -1) < 0)
		return errno == EINTR;
	if (pfd[1].revents)
		netfront_event(xq->q);
	return !pfd[2].revents;
}

void *xnet_queue_run(void *arg)
{
	struct xnet_queue *xq = arg;
	bool blocked = false;

	while (!netfront_error(xq->nf)) {
		unsigned int n = send_burst(xq, &blocked) + receive_burst(xq);

		netfront_push(xq->q);
		if (n || netfront_arm(xq->q, blocked))
			continue;
		if (!queue_sleep(xq, blocked))
			break;
	}
	return NULL;
}
