// SPDX-License-Identifier: MIT
/*
 * The control ring (xen/io/netif.h, "Control ring"): a guest says how packets are hashed, and which
 * of its pages stay mapped.  Messages are answered in order, one at a time: what concerns the
 * queues is answered when all of them have changed over.
 *
 * Lists and tables come in a page that the guest grants; they are copied once, and the copy is all
 * that is looked at.  A message that is wrong gets a status; only a ring that is broken ends the
 * device.
 */
#include "netback/ctrl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netback/netq.h"

enum {
	PAGE = 4096,
	REQUEST_WORDS = sizeof(struct xen_netif_ctrl_request) / 4,
	RESPONSE_WORDS = sizeof(struct xen_netif_ctrl_response) / 4,
};

_Static_assert(sizeof(struct xen_netif_ctrl_request) == 16 &&
		       sizeof(struct xen_netif_ctrl_response) == 12 &&
		       sizeof(struct xen_netif_gref) == 8,
	       "see netif.h");

static uint32_t page_copy(struct ctrl *ctrl, uint32_t ref, uint32_t bytes, bool out)
{
	int error = 0;

	if (bytes == 0)
		return XEN_NETIF_CTRL_STATUS_SUCCESS;
	if (out)
		grant_copy_out(&ctrl->batch, ctrl->list, ref, 0, (uint16_t)bytes, &error);
	else
		grant_copy_in(&ctrl->batch, ctrl->list, ref, 0, (uint16_t)bytes, &error);
	grant_batch_run(&ctrl->batch);
	return error ? XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER : XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* ---- hashing ------------------------------------------------------------------------------ */

static uint32_t set_key(struct ctrl *ctrl, uint32_t ref, uint32_t len)
{
	uint32_t status;

	if (len > HASH_KEY_MAX)
		return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
	status = page_copy(ctrl, ref, len, false);
	return status ? status : hash_set_key(&ctrl->hash, (const uint8_t *)ctrl->list, len);
}

static uint32_t set_mapping(struct ctrl *ctrl, uint32_t ref, uint32_t count, uint32_t offset)
{
	uint32_t status;

	if (!hash_mapping_fits(&ctrl->hash, count, offset))
		return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
	status = page_copy(ctrl, ref, count * 4, false);
	return status ? status
		      : hash_set_mapping(&ctrl->hash, (const uint32_t *)ctrl->list, count, offset,
					 ctrl->queue_count);
}

/* True if the queues have to hear of it. */
static bool hash_message(struct ctrl *ctrl, const struct xen_netif_ctrl_request *m,
			 struct xen_netif_ctrl_response *answer)
{
	switch (m->type) {
	case XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM:
		answer->status = hash_set_algorithm(&ctrl->hash, m->data[0]);
		break;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS:
		answer->status = hash_set_flags(&ctrl->hash, m->data[0]);
		break;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_KEY:
		answer->status = set_key(ctrl, m->data[0], m->data[1]);
		break;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE:
		answer->status = hash_set_mapping_size(&ctrl->hash, m->data[0]);
		break;
	case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING:
		answer->status = set_mapping(ctrl, m->data[0], m->data[1], m->data[2]);
		break;
	case XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS:
		answer->status = hash_get_flags(&ctrl->hash, &answer->data);
		return false;
	default: /* GET_HASH_MAPPING_SIZE */
		answer->status = XEN_NETIF_CTRL_STATUS_SUCCESS;
		answer->data = HASH_MAPPING_MAX;
		return false;
	}
	return answer->status == XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* ---- pages that stay mapped ---------------------------------------------------------------- */

static void staging_answered(void *arg)
{
	struct ctrl *ctrl = arg;

	/* What became of each entry of a DEL stands in the guest's page. */
	if (ctrl->request.type == XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING)
		ctrl->response.status =
			page_copy(ctrl, ctrl->request.data[1],
				  ctrl->list_count * (uint32_t)sizeof(*ctrl->list), true);
	ctrl_done(ctrl);
}

/* On the queue's thread, whose handle maps its pages. */
static void staging_call(void *arg)
{
	struct ctrl *ctrl = arg;
	struct staging *staging = &ctrl->queues[ctrl->request.data[0]].staging;

	if (ctrl->request.type == XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING)
		ctrl->response.status = staging_add(staging, ctrl->list, ctrl->list_count);
	else
		ctrl->response.data = staging_del(staging, ctrl->list, ctrl->list_count);
	thread_call(ctrl->thread, staging_answered, ctrl);
}

/* True if the queue has to do it. */
static bool staging_message(struct ctrl *ctrl, const struct xen_netif_ctrl_request *m,
			    struct xen_netif_ctrl_response *answer)
{
	answer->status = XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
	if (m->data[0] >= ctrl->queue_count)
		return false;
	if (m->type == XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE) {
		answer->status = XEN_NETIF_CTRL_STATUS_SUCCESS;
		answer->data = STAGED_MAX;
		return false;
	}
	if (m->data[2] > STAGED_MAX)
		return false;
	ctrl->list_count = m->data[2];
	answer->status =
		page_copy(ctrl, m->data[1], m->data[2] * (uint32_t)sizeof(*ctrl->list), false);
	return answer->status == XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* ---- messages ----------------------------------------------------------------------------- */

static void ctrl_respond(struct ctrl *ctrl)
{
	struct ring *ring = &ctrl->ring;

	ring_respond(ring, &ctrl->response, RESPONSE_WORDS);
	if (ring_push(ring))
		port_notify(&ctrl->port);
}

static void ctrl_handle(struct ctrl *ctrl)
{
	const struct xen_netif_ctrl_request *m = &ctrl->request;
	struct xen_netif_ctrl_response *answer = &ctrl->response;

	*answer = (struct xen_netif_ctrl_response){
		.id = m->id,
		.type = m->type,
		.status = XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED,
	};
	if (m->type >= XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS &&
	    m->type <= XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM && hash_message(ctrl, m, answer)) {
		ctrl->waiting = true;
		ctrl->changed(ctrl);
	} else if (m->type >= XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE &&
		   m->type <= XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING &&
		   staging_message(ctrl, m, answer)) {
		ctrl->waiting = true;
		thread_call(ctrl->queues[m->data[0]].thread, staging_call, ctrl);
	}
	if (!ctrl->waiting)
		ctrl_respond(ctrl);
}

void ctrl_done(struct ctrl *ctrl)
{
	if (!ctrl->waiting)
		return;
	ctrl->waiting = false;
	if (ctrl->open)
		ctrl_respond(ctrl);
}

static void ctrl_turn(struct loop_hook *hook)
{
	struct ctrl *ctrl = (struct ctrl *)hook;
	int pending;

	if (ctrl->waiting || ctrl->failed)
		return;
	pending = ring_pending(&ctrl->ring);
	if (pending < 0) {
		ctrl->failed = true;
		ctrl->broken(ctrl, "has moved req_prod of its control ring out of the ring");
		return;
	}
	while (pending-- > 0 && !ctrl->waiting) {
		guest_copy_from(&ctrl->request, ring_slot(&ctrl->ring, ctrl->ring.req_cons),
				REQUEST_WORDS);
		ctrl->ring.req_cons++;
		ctrl_handle(ctrl);
	}
}

static bool ctrl_peek(struct loop_hook *hook)
{
	const struct ctrl *ctrl = (const struct ctrl *)hook;

	return !ctrl->waiting && !ctrl->failed && ring_peek(&ctrl->ring) > 0;
}

static bool ctrl_sleep(struct loop_hook *hook)
{
	const struct ctrl *ctrl = (const struct ctrl *)hook;

	return !ctrl->waiting && !ctrl->failed && ring_sleep(&ctrl->ring);
}

static void ctrl_kicked(struct port *port)
{
	(void)port; /* the turn that follows looks at the ring */
}

/* ---- connect and close ------------------------------------------------------------------ */

int ctrl_open(struct ctrl *ctrl, uint32_t ref, uint32_t port, bool resume, const char **what)
{
	struct thread *thread = ctrl->thread;
	int err;

	*what = "map the control ring that the guest granted";
	err = ring_map(&ctrl->ring, thread->xgt, thread->domid, &ref, 0,
		       sizeof(union xen_netif_ctrl_sring_entry), resume, ctrl->answers);
	if (err < 0)
		return err;
	*what = "allocate what the control ring needs";
	ctrl->list = aligned_alloc(PAGE, PAGE);
	if (!ctrl->list)
		return -ENOMEM;
	memset(ctrl->list, 0, PAGE);
	err = grant_batch_init(&ctrl->batch, thread->xgt, thread->domid, 1);
	if (err < 0)
		return err;
	*what = "bind the event channel of the guest's control ring";
	ctrl->port.kicked = ctrl_kicked;
	err = port_bind(&ctrl->port, &thread->ports, thread->domid, port);
	if (err < 0)
		return err;
	ctrl->hook = (struct loop_hook){.turn = ctrl_turn, .peek = ctrl_peek, .sleep = ctrl_sleep};
	loop_hook_add(&thread->loop, &ctrl->hook);
	ctrl->open = true;
	port_notify(&ctrl->port);
	return 0;
}

void ctrl_close(struct ctrl *ctrl)
{
	if (!ctrl->thread)
		return; /* a queue could not connect, and so it was not even tried */
	if (ctrl->open)
		loop_hook_del(&ctrl->thread->loop, &ctrl->hook);
	ctrl->open = false;
	port_unbind(&ctrl->port);
	ring_unmap(&ctrl->ring, ctrl->thread->xgt);
	grant_batch_free(&ctrl->batch);
	free(ctrl->list);
	ctrl->list = NULL;
}
