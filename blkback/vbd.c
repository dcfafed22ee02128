// SPDX-License-Identifier: MIT
/*
 * A virtual disk: a ring, an event channel, a disk, and the requests between them.  Owns all four;
 * is owned by its worker; lives until nothing is under way any more.
 *
 * One turn (vbd_turn) takes all requests that are there, does all copies between guest and buffers
 * in one call, hands the writes to the disk, and pushes all answers with at most one notification.
 * Reads went to the disk when they were taken and are copied out in the turn after they complete.
 *
 * Blame: a bad request gets an error response; a broken ring stops the device (vbd_fail) and the
 * supervisor closes it; nothing that the guest does ends the worker.
 */
#include "blkback/vbd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "blkback/request.h"
#include "common/grant.h"
#include "common/log.h"

enum {
	GATHER_MIN = 4,	     /* don't wait for fewer */
	GATHER_NS = 10000,   /* nor longer: the time in which a guest wakes up and answers */
	GATHER_PROBE = 1024, /* turns after which to look for a deeper queue */
};

struct vbd {
	struct loop_hook hook; /* first: the loop knows a vbd by it */
	struct port port;
	struct worker *worker;
	struct vbd *next; /* in worker->devices */
	uint32_t devid;
	uint32_t serial;
	struct blkring ring;
	struct disk *disk;
	int fds[CHAN_FDS_MAX]; /* the disk's */
	uint32_t nfds;
	struct grant_batch batch;
	struct request *requests; /* ring.slots of them */
	struct request *free;
	struct request *copying;       /* in the batch */
	struct request **copying_tail; /* first come, first answered */
	struct request *barrier;       /* taken and waiting, or under way: nothing else starts */
	char *data;		       /* ring.slots times REQUEST_DATA */
	uint32_t under_way;
	uint32_t at_disk;	  /* of them, those that the disk has */
	uint32_t depth;		  /* how many requests the guest keeps going, as far as seen */
	uint32_t turns;		  /* that took requests */
	uint64_t gather_since_ns; /* 0: not gathering */
	bool due;		  /* gathered long enough: take what is there */
	bool failed;		  /* takes nothing more */
	bool closing;		  /* takes nothing more; goes when nothing is under way */
};

static void request_run(struct request *request);

/* ---- one request ------------------------------------------------------------------------ */

/* Stops taking requests; the supervisor answers with a CLOSE. */
static void vbd_fail(struct vbd *vbd, const char *reason)
{
	if (vbd->failed || vbd->closing)
		return;
	vbd->failed = true;
	worker_answer(CHAN_FAILED, vbd->devid, vbd->serial, reason);
}

static int request_status(const struct request *request)
{
	if (request->error == 0)
		return BLKIF_RSP_OKAY;
	if (request->error == -EOPNOTSUPP && request->operation != BLKIF_OP_READ &&
	    request->operation != BLKIF_OP_WRITE)
		return BLKIF_RSP_EOPNOTSUPP;
	return BLKIF_RSP_ERROR;
}

static void vbd_respond(struct vbd *vbd, const struct request *request, int status)
{
	struct slot_response response = {
		.id = request->id,
		.operation = request->operation,
		.status = (int16_t)status,
	};

	blkring_respond(&vbd->ring, &response);
}

static void request_end(struct request *request)
{
	struct vbd *vbd = request->vbd;

	if (request->error < 0)
		log_guest(&vbd->worker->limit,
			  "vbd %u: operation %u on %" PRIu64 " bytes at %" PRIu64 " failed: %s",
			  vbd->devid, request->operation, request->io.bytes, request->io.offset,
			  request->error == -EFAULT ? "a granted page can't be copied"
						    : strerror(-request->error));
	vbd_respond(vbd, request, request_status(request));
	if (vbd->barrier == request)
		vbd->barrier = NULL;
	vbd->under_way--;
	request->next = vbd->free;
	vbd->free = request;
}

static void request_step_done(struct request *request, int err)
{
	request->steps &= (uint8_t)(request->steps - 1); /* the lowest bit */
	if (err < 0) {
		request->error = err;
		request->steps = 0;
	}
	request_run(request);
}

static void request_io_done(struct disk_io *io, int err)
{
	struct request *request = (struct request *)io;

	request->vbd->at_disk--;
	request_step_done(request, err);
}

/* Puts the request's segments in this turn's batch. */
static void request_copy(struct request *request, bool in)
{
	struct vbd *vbd = request->vbd;

	for (int i = 0; i < request->segment_count; i++) {
		const struct slot_segment *segment = &request->segments[i];
		uint16_t offset = segment_offset(segment);
		char *local = request->data + i * REQUEST_PAGE + offset;

		(in ? grant_copy_in(&vbd->batch, local, segment->ref, offset,
				    segment_bytes(segment), &request->error)
		    : grant_copy_out(&vbd->batch, local, segment->ref, offset,
				     segment_bytes(segment), &request->error));
	}
	request->next = NULL;
	*vbd->copying_tail = request;
	vbd->copying_tail = &request->next;
}

static void request_io(struct request *request, enum disk_verb verb)
{
	struct disk *disk = request->vbd->disk;

	if (verb == DISK_FLUSH || verb == DISK_DISCARD)
		request->io.verb = verb;
	else
		request_prepare_io(request, verb);
	request->vbd->at_disk++;
	disk->ops->submit(disk, &request->io);
}

static enum disk_verb request_verb(const struct request *request)
{
	switch (request->operation) {
	case BLKIF_OP_READ:
		return DISK_READ;
	case BLKIF_OP_DISCARD:
		return DISK_DISCARD;
	default:
		return DISK_WRITE;
	}
}

/* Starts the next step, or answers. */
static void request_run(struct request *request)
{
	switch (request->steps & -request->steps) {
	case STEP_COPY_IN:
		request_copy(request, true);
		break;
	case STEP_FLUSH_BEFORE:
	case STEP_FLUSH_AFTER:
		request_io(request, DISK_FLUSH);
		break;
	case STEP_DATA:
		request_io(request, request_verb(request));
		break;
	case STEP_COPY_OUT:
		request_copy(request, false);
		break;
	default:
		request_end(request);
	}
}

/* ---- one turn --------------------------------------------------------------------------- */

static bool vbd_takes(const struct vbd *vbd)
{
	return !vbd->failed && !vbd->closing && !vbd->barrier;
}

/*
 * A guest that keeps many requests going and a store that answers at once would fall into lockstep,
 * one request and one system call at a time.  So, with nothing else to wait for, the next turn
 * waits a moment until half of what the guest keeps going is there.  The depth follows the guest:
 * what could not be gathered in time lowers it, and a guest with few requests is never made to
 * wait.
 */
static bool vbd_gathers(const struct vbd *vbd)
{
	return vbd->at_disk == 0 && vbd->depth / 2 >= GATHER_MIN &&
	       blkring_peek(&vbd->ring) < vbd->depth / 2;
}

static void vbd_follow_depth(struct vbd *vbd, uint32_t pending)
{
	uint32_t depth = vbd->under_way + pending;

	if (depth > vbd->depth)
		vbd->depth = depth;
	else if (vbd->due)
		vbd->depth = depth < GATHER_MIN ? depth : (vbd->depth + depth) / 2;
	if (vbd->turns++ % GATHER_PROBE == 0)
		vbd->depth = vbd->ring.slots;
	vbd->due = false;
	vbd->gather_since_ns = 0;
}

/* A barrier waits until it is alone. */
static void vbd_try_barrier(struct vbd *vbd)
{
	if (vbd->barrier && vbd->barrier->alone && vbd->under_way == 1) {
		vbd->barrier->alone = false; /* once */
		request_run(vbd->barrier);
	}
}

static void vbd_take_one(struct vbd *vbd)
{
	struct request *request = vbd->free;
	const char *why = "";
	struct slot slot;
	int status;

	blkring_take(&vbd->ring, &slot);
	status = request_parse(request, &slot, &vbd->disk->spec, &why);
	if (status != BLKIF_RSP_OKAY) {
		log_guest(&vbd->worker->limit,
			  "vbd %u: operation %u at sector %" PRIu64 " refused: %s", vbd->devid,
			  slot.operation, slot.sector_number, why);
		vbd_respond(vbd, request, status);
		return;
	}
	vbd->free = request->next;
	vbd->under_way++;
	if (request->alone)
		vbd->barrier = request;
	else
		request_run(request);
}

static void vbd_consume(struct vbd *vbd)
{
	int pending;

	if (!vbd_takes(vbd) || (!vbd->due && vbd_gathers(vbd)))
		return;
	pending = blkring_pending(&vbd->ring);
	if (pending < 0) {
		vbd_fail(vbd, "the guest's ring is broken: its req_prod is not within the ring");
		return;
	}
	vbd_follow_depth(vbd, (uint32_t)pending);
	while (pending-- > 0 && vbd_takes(vbd))
		vbd_take_one(vbd);
}

static void vbd_copy(struct vbd *vbd)
{
	struct request *request = vbd->copying;

	grant_batch_run(&vbd->batch);
	vbd->copying = NULL;
	vbd->copying_tail = &vbd->copying;
	while (request) {
		struct request *next = request->next;

		request_step_done(request, request->error);
		request = next;
	}
}

static void vbd_free(struct vbd *vbd)
{
	struct worker *worker = vbd->worker;

	for (struct vbd **p = (struct vbd **)&worker->devices; *p; p = &(*p)->next)
		if (*p == vbd) {
			*p = vbd->next;
			break;
		}
	loop_hook_del(&worker->loop, &vbd->hook);
	port_unbind(&vbd->port);
	blkring_unmap(&vbd->ring, worker->xgt);
	if (vbd->disk)
		vbd->disk->ops->close(vbd->disk);
	for (uint32_t i = 0; i < vbd->nfds; i++)
		close(vbd->fds[i]);
	grant_batch_free(&vbd->batch);
	if (vbd->data)
		munmap(vbd->data, (size_t)vbd->ring.slots * REQUEST_DATA);
	free(vbd->requests);
	free(vbd);
}

static void vbd_closed(struct vbd *vbd)
{
	struct worker *worker = vbd->worker;
	uint32_t devid = vbd->devid, serial = vbd->serial;

	vbd_free(vbd);
	worker_answer(CHAN_CLOSED, devid, serial, NULL);
	worker_device_gone(worker);
}

static void vbd_turn(struct loop_hook *hook)
{
	struct vbd *vbd = (struct vbd *)hook;

	vbd_try_barrier(vbd);
	vbd_consume(vbd);
	vbd_try_barrier(vbd);
	vbd_copy(vbd);
	if (blkring_push(&vbd->ring))
		port_notify(&vbd->port);
	if (vbd->closing && vbd->under_way == 0)
		vbd_closed(vbd);
}

static bool vbd_peek(struct loop_hook *hook)
{
	struct vbd *vbd = (struct vbd *)hook;

	if (vbd->closing)
		return vbd->under_way == 0;
	if (!vbd_takes(vbd) || blkring_peek(&vbd->ring) == 0)
		return false;
	if (!vbd_gathers(vbd))
		return true;
	if (vbd->gather_since_ns == 0)
		vbd->gather_since_ns = loop_now_ns();
	else if (loop_now_ns() - vbd->gather_since_ns > GATHER_NS)
		vbd->due = true;
	return vbd->due;
}

static bool vbd_sleep(struct loop_hook *hook)
{
	struct vbd *vbd = (struct vbd *)hook;

	if (!vbd_takes(vbd) || !blkring_sleep(&vbd->ring))
		return false;
	vbd->due = true;
	return true;
}

/* The turn that follows looks at the ring; there is nothing else to do. */
static void vbd_kicked(struct port *port)
{
	(void)port;
}

/* ---- connect and close ------------------------------------------------------------------ */

static int vbd_alloc(struct vbd *vbd)
{
	uint32_t slots = vbd->ring.slots;
	size_t bytes = (size_t)slots * REQUEST_DATA;
	void *data;

	vbd->requests = calloc(slots, sizeof(*vbd->requests));
	data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!vbd->requests || data == MAP_FAILED)
		return -ENOMEM;
	vbd->data = data;
	vbd->copying_tail = &vbd->copying;
	for (uint32_t i = slots; i-- > 0;) {
		struct request *request = &vbd->requests[i];

		request->vbd = vbd;
		request->data = vbd->data + (size_t)i * REQUEST_DATA;
		request->io.done = request_io_done;
		request->next = vbd->free;
		vbd->free = request;
	}
	return grant_batch_init(&vbd->batch, vbd->worker->xgt, vbd->worker->domid,
				slots * SLOT_SEGMENTS);
}

/* Takes all that the guest named; *what says what was being done if it fails. */
static int vbd_connect(struct vbd *vbd, const struct vbd_connect *connect,
		       const struct chan_msg *msg, const char **what)
{
	const struct disk_ops *ops = disk_engine_ops(connect->disk.engine);
	struct worker *worker = vbd->worker;
	int err = ops ? 0 : -EINVAL;

	memcpy(vbd->fds, msg->fds, sizeof(vbd->fds));
	vbd->nfds = msg->nfds;
	*what = "open the disk";
	if (err == 0)
		err = ops->open(&vbd->disk, &worker->loop, &connect->disk, vbd->fds, vbd->nfds, 0);
	if (err < 0)
		return err;
	*what = "map the ring that the guest granted";
	err = blkring_map(&vbd->ring, worker->xgt, worker->domid, connect->ring_refs,
			  connect->ring_order, &abis[connect->abi % ABI_COUNT], connect->resume);
	if (err < 0)
		return err;
	*what = "allocate the requests";
	err = vbd_alloc(vbd);
	if (err < 0)
		return err;
	*what = "bind the guest's event channel";
	vbd->port.kicked = vbd_kicked;
	return port_bind(&vbd->port, &worker->ports, worker->domid, connect->event_channel);
}

static struct vbd *vbd_find(const struct worker *worker, uint32_t devid)
{
	for (struct vbd *vbd = worker->devices; vbd; vbd = vbd->next)
		if (vbd->devid == devid)
			return vbd;
	return NULL;
}

static void vbd_handle_connect(struct worker *worker, struct chan_msg *msg)
{
	struct vbd *vbd = calloc(1, sizeof(*vbd));
	struct vbd_connect connect;
	const char *what;
	int err;

	if (!vbd || vbd_find(worker, msg->devid))
		log_panic("can't connect vbd %u: %s", msg->devid, vbd ? "it is" : "out of memory");
	memcpy(&connect, msg->body, sizeof(connect));
	vbd->worker = worker;
	vbd->devid = msg->devid;
	vbd->serial = msg->serial;
	vbd->hook = (struct loop_hook){.turn = vbd_turn, .peek = vbd_peek, .sleep = vbd_sleep};
	vbd->next = worker->devices;
	worker->devices = vbd;
	err = vbd_connect(vbd, &connect, msg, &what);
	if (err < 0) {
		char text[CHAN_TEXT_MAX];

		snprintf(text, sizeof(text), "can't %s: %s", what, strerror(-err));
		vbd_free(vbd);
		worker_answer(CHAN_FAILED, msg->devid, msg->serial, text);
		return;
	}
	loop_hook_add(&worker->loop, &vbd->hook);
	worker_answer(CHAN_CONNECTED, msg->devid, msg->serial, NULL);
	/* What was sent while no backend was bound was dropped: look, and wake the guest once. */
	port_notify(&vbd->port);
}

static void vbd_handle_close(struct worker *worker, uint32_t devid)
{
	struct vbd *vbd = vbd_find(worker, devid);

	/* Not here: its connect failed, and that was told. */
	if (vbd)
		vbd->closing = true;
	else
		worker_answer(CHAN_CLOSED, devid, 0, NULL);
}

static void vbd_handle_close_all(struct worker *worker)
{
	for (struct vbd *vbd = worker->devices; vbd; vbd = vbd->next)
		vbd->closing = true;
}

const struct worker_ops vbd_worker_ops = {
	.connect = vbd_handle_connect,
	.close = vbd_handle_close,
	.close_all = vbd_handle_close_all,
};
