// SPDX-License-Identifier: MIT
/*
 * The control ring of a NIC's frontend: one question at a time, waited for.  It belongs to the
 * thread that opened the device and has an event channel and a page for what messages refer to.
 *
 * It must never believe a response: one that nobody asked for, or of another id or type, closes the
 * device.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "loopback/netfront_priv.h"

#define CTRL_MS 5000

int netfront_ctrl_open(struct netfront *nf)
{
	struct xen_netif_ctrl_sring *sring = netfront_share(nf, 1, &nf->ctrl_ring_ref, true);
	int port;

	if (!sring)
		return -ENOMEM;
	XEN_FRONT_RING_INIT(&nf->ctrl, sring, NETFRONT_PAGE);
	nf->ctrl_page = netfront_share(nf, 1, &nf->ctrl_ref, true);
	if (!nf->ctrl_page)
		return -ENOMEM;
	nf->ctrl_evtchn = xenevtchn_open(NULL, 0);
	port = nf->ctrl_evtchn ? xenevtchn_bind_unbound_port(nf->ctrl_evtchn, nf->front.backend_id)
			       : -1;
	if (port < 0)
		return netfront_open_error(nf, -errno,
					   "cannot make the control ring's event channel");
	nf->ctrl_port = (evtchn_port_t)port;
	return 0;
}

void netfront_ctrl_close(struct netfront *nf)
{
	if (nf->ctrl_evtchn)
		xenevtchn_close(nf->ctrl_evtchn);
	if (nf->ctrl_page)
		xengntshr_unshare(nf->guest->gntshr, nf->ctrl_page, 1);
	if (nf->ctrl.sring)
		xengntshr_unshare(nf->guest->gntshr, nf->ctrl.sring, 1);
}

static int ctrl_bad(struct netfront *nf)
{
	netfront_fail(nf, -EPROTO, "the backend answered on the control ring what was not asked");
	return -EPROTO;
}

/* 1: @rsp is there; 0: not yet; -EPROTO. */
static int ctrl_take(struct netfront *nf, const struct xen_netif_ctrl_request *req,
		     struct xen_netif_ctrl_response *rsp)
{
	RING_IDX prod = *(volatile RING_IDX *)&nf->ctrl.sring->rsp_prod;
	const volatile uint32_t *from;
	uint32_t word[3];

	if (prod == nf->ctrl.rsp_cons)
		return 0;
	if (prod - nf->ctrl.rsp_cons != 1)
		return ctrl_bad(nf);
	xen_rmb(); /* rsp_prod before the response: pairs with the backend's wmb before rsp_prod */
	from = (const volatile uint32_t *)RING_GET_RESPONSE(&nf->ctrl, nf->ctrl.rsp_cons);
	for (unsigned int i = 0; i < 3; i++)
		word[i] = from[i];
	memcpy(rsp, word, sizeof(word));
	nf->ctrl.rsp_cons++;
	return rsp->id == req->id && rsp->type == req->type ? 1 : ctrl_bad(nf);
}

static int ctrl_wait(struct netfront *nf, const struct xen_netif_ctrl_request *req,
		     struct xen_netif_ctrl_response *rsp)
{
	for (;;) {
		struct pollfd pfd = {.fd = xenevtchn_fd(nf->ctrl_evtchn), .events = POLLIN};
		int n, port, work;

		n = ctrl_take(nf, req, rsp);
		if (n)
			return n < 0 ? n : 0;
		/* Its mb pairs with the one in the backend's push, as for the other rings. */
		RING_FINAL_CHECK_FOR_RESPONSES(&nf->ctrl, work);
		if (work)
			continue;
		n = poll(&pfd, 1, CTRL_MS);
		if (n <= 0)
			return n ? -errno : -ETIMEDOUT;
		port = xenevtchn_pending(nf->ctrl_evtchn);
		if (port >= 0)
			xenevtchn_unmask(nf->ctrl_evtchn, (evtchn_port_t)port);
	}
}

int netfront_ctrl(struct netfront *nf, uint16_t type, uint32_t d0, uint32_t d1, uint32_t d2,
		  uint32_t *data)
{
	struct xen_netif_ctrl_request req = {
		.id = nf->ctrl_id++, .type = type, .data = {d0, d1, d2}};
	struct xen_netif_ctrl_response rsp = {0};
	int err = netfront_error(nf), notify;

	if (!nf->info.ctrl)
		return -EOPNOTSUPP;
	if (err)
		return err;
	*RING_GET_REQUEST(&nf->ctrl, nf->ctrl.req_prod_pvt) = req;
	nf->ctrl.req_prod_pvt++;
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&nf->ctrl, notify);
	if (notify && xenevtchn_notify(nf->ctrl_evtchn, nf->ctrl_port))
		return -errno;
	err = ctrl_wait(nf, &req, &rsp);
	if (err)
		return err;
	if (data)
		*data = rsp.data;
	return (int)rsp.status;
}

void *netfront_ctrl_page(const struct netfront *nf)
{
	return nf->ctrl_page;
}

grant_ref_t netfront_ctrl_ref(const struct netfront *nf)
{
	return nf->ctrl_ref;
}

struct xen_netif_ctrl_sring *netfront_raw_ctrl(struct netfront *nf)
{
	return nf->ctrl.sring;
}

/* ---- hashing -------------------------------------------------------------------------------- */

int netfront_hash(struct netfront *nf, uint32_t flags, const uint8_t *key, unsigned int key_len,
		  const uint32_t *table, unsigned int size)
{
	int status;

	if (!nf->info.ctrl)
		return -EOPNOTSUPP;
	if (key_len > NETFRONT_PAGE || size > NETFRONT_PAGE / sizeof(*table))
		return -EINVAL;
	status = netfront_ctrl(nf, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
			       XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ, 0, 0, NULL);
	if (!status)
		status = netfront_ctrl(nf, XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, flags, 0, 0, NULL);
	if (!status) {
		memcpy(nf->ctrl_page, key, key_len);
		status = netfront_ctrl(nf, XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, nf->ctrl_ref, key_len,
				       0, NULL);
	}
	if (!status)
		status = netfront_ctrl(nf, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, size, 0, 0,
				       NULL);
	if (!status && size) {
		memcpy(nf->ctrl_page, table, size * sizeof(*table));
		status = netfront_ctrl(nf, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, nf->ctrl_ref, size,
				       0, NULL);
	}
	return status;
}

/* ---- pages that the backend maps for good -----------------------------------------------------
 */

/* As many of a queue's pages as it keeps, those that are sent from first: a list fills our page. */
static int queue_stage(struct netfront *nf, unsigned int i)
{
	struct xen_netif_gref *list = nf->ctrl_page;
	uint32_t room = 0;
	int status = netfront_ctrl(nf, XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE, i, 0, 0, &room);

	if (status)
		return status;
	if (room > NETFRONT_PAGES)
		room = NETFRONT_PAGES;
	for (unsigned int page = 0; page < room; page++)
		list[page] = (struct xen_netif_gref){
			.ref = nf->queue[i]->ref[page],
			.flags = page < NETFRONT_ENTRIES ? XEN_NETIF_CTRLF_GREF_readonly : 0};
	if (!room)
		return XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
	return netfront_ctrl(nf, XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, i, nf->ctrl_ref, room, NULL);
}

/* A backend that does not know of it, as Linux', serves us without. */
int netfront_stage(struct netfront *nf)
{
	int status = 0;

	for (unsigned int i = 0; !status && i < nf->info.queues; i++)
		status = queue_stage(nf, i);
	if (status == -EOPNOTSUPP || status == XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED)
		return 0;
	if (status < 0)
		return netfront_open_error(nf, status, "cannot have the pages mapped");
	if (status)
		return netfront_open_error(nf, -EPROTO, "the backend refused to map the pages");
	nf->info.staged = true;
	return 0;
}
