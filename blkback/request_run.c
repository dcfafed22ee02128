// SPDX-License-Identifier: MIT
/*
 * A request is a small program: request_parse() has set a bit for each of its steps, and
 * request_run() does the lowest one that is left, until none is and the answer is written.  Copies
 * gather in the queue's batch and are done together, at the end of its turn.
 *
 * Two things may hold a request back that was taken, and then nothing more is taken until it could
 * start: a barrier waits until it is alone, a large request until there are chunks for its data.
 */
#include "blkback/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "common/log.h"

enum {
	TRIES_MAX = 3 /* workers that may die of one request */
};

static void request_run(struct request *request);
static void request_start(struct request *request);
static void request_unmap(struct request *request, int count);
static void request_io_done(struct disk_io *io, int err);

int requests_init(struct queue *queue)
{
	uint32_t slots = queue->ring.base.slots;

	queue->requests = calloc(slots, sizeof(*queue->requests));
	if (!queue->requests)
		return -ENOMEM;
	queue->copying_tail = &queue->copying;
	for (uint32_t i = slots; i-- > 0;) {
		struct request *request = &queue->requests[i];

		request->queue = queue;
		request->io.done = request_io_done;
		buffer_take(&queue->buffers, i, 0, &request->buffer);
		if (journal_has(&queue->journal, i))
			continue; /* until it was replayed */
		request->next = queue->free;
		queue->free = request;
	}
	return 0;
}

/* ---- statistics --------------------------------------------------------------------------- */

static enum stats_op request_op(const struct request *request)
{
	static const uint8_t ops[] = {
		[BLKIF_OP_READ] = STATS_READ,
		[BLKIF_OP_WRITE] = STATS_WRITE,
		[BLKIF_OP_WRITE_BARRIER] = STATS_BARRIER,
		[BLKIF_OP_FLUSH_DISKCACHE] = STATS_FLUSH,
		[BLKIF_OP_RESERVED_1] = STATS_OTHER,
		[BLKIF_OP_DISCARD] = STATS_DISCARD,
	};

	return request->operation < sizeof(ops) ? ops[request->operation] : STATS_OTHER;
}

static void request_count(const struct request *request)
{
	struct queue *queue = request->queue;

	if (request->error < 0)
		stats_failed(queue->stats, request_op(request));
	else
		stats_done(queue->stats, request_op(request), request->io.bytes,
			   queue_now(queue) - request->taken_ns);
}

/* Bytes of data, as a limit counts them; of an indirect request, until it is listed, at most. */
static uint64_t request_data(const struct request *request)
{
	if (request->steps & STEP_SEGMENTS)
		return (uint64_t)request->segment_count * BUFFER_PAGE;
	return request->operation == BLKIF_OP_DISCARD ? 0 : request->io.bytes;
}

/* ---- the end ------------------------------------------------------------------------------ */

static uint32_t request_number(const struct request *request)
{
	return (uint32_t)(request - request->queue->requests);
}

/* The end of all it needed; its number stays taken until the guest has seen the answer. */
static void request_release(struct request *request)
{
	struct queue *queue = request->queue;

	if (request->mapped)
		request_unmap(request, request->segment_count);
	if (request->buffer.chunks) {
		buffer_put(&queue->buffers, &request->buffer);
		buffer_take(&queue->buffers, request_number(request), 0, &request->buffer);
	}
	if (queue->barrier == request)
		queue->barrier = NULL;
	queue->under_way--;
}

static void request_respond(struct request *request, int status)
{
	struct queue *queue = request->queue;
	struct slot_response response = {
		.id = request->id,
		.operation = request->operation,
		.status = (int16_t)status,
	};
	uint32_t index = queue->ring.base.rsp_prod_pvt;

	blkring_respond(&queue->ring, &response);
	journal_answer(&queue->journal, request_number(request), index);
	request_release(request);
	request->next = queue->answered;
	queue->answered = request;
}

void requests_retire(struct queue *queue)
{
	for (struct request *request = queue->answered, *next; request; request = next) {
		next = request->next;
		journal_retire(&queue->journal, request_number(request));
		request->next = queue->free;
		queue->free = request;
	}
	queue->answered = NULL;
}

static void request_refused(struct request *request, int status, uint64_t sector, const char *why)
{
	struct queue *queue = request->queue;

	log_guest(&queue->thread->limit, "vbd %u: operation %u at sector %" PRIu64 " refused: %s",
		  queue->devid, request->operation, sector, why);
	stats_failed(queue->stats, request_op(request));
	request_respond(request, status);
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

static void request_end(struct request *request)
{
	struct queue *queue = request->queue;

	if (request->error < 0)
		log_guest(&queue->thread->limit,
			  "vbd %u: operation %u on %" PRIu64 " bytes at %" PRIu64 " failed: %s",
			  queue->devid, request->operation, request->io.bytes, request->io.offset,
			  request->error == -EFAULT ? "a granted page can't be copied"
						    : strerror(-request->error));
	request_count(request);
	request_respond(request, request_status(request));
}

/* ---- the steps ---------------------------------------------------------------------------- */

/* The list of segments is here: now it can be seen what is asked for. */
static void request_listed(struct request *request)
{
	const char *why = "";
	int status = request_parse_indirect(request, &request->queue->disk->spec, &why);

	if (status == BLKIF_RSP_OKAY) {
		/* What was taken for it beyond what it needs is given back. */
		limit_take(request->queue->limit, LIMIT_BPS,
			   request->io.bytes - (uint64_t)request->segment_count * BUFFER_PAGE);
		request_start(request);
		return;
	}
	request_refused(request, status, request->sector, why);
}

static void request_step_done(struct request *request, int err)
{
	bool listed = request->steps & STEP_SEGMENTS;

	request->steps &= (uint8_t)(request->steps - 1); /* the lowest bit */
	if (err < 0) {
		request->error = err;
		request->steps = 0;
	} else if (listed) {
		request_listed(request);
		return;
	}
	request_run(request);
}

static void request_io_done(struct disk_io *io, int err)
{
	struct request *request = (struct request *)io;

	request->queue->at_disk--;
	request_step_done(request, err);
}

static void request_await_copy(struct request *request)
{
	struct queue *queue = request->queue;

	request->next = NULL;
	*queue->copying_tail = request;
	queue->copying_tail = &request->next;
}

/* A private copy, so that what is checked is what is used (XSA-155). */
static void request_copy_segments(struct request *request)
{
	size_t bytes = request->segment_count * sizeof(*request->buffer.segments);

	grant_copy_in(&request->queue->batch, request->buffer.segments, request->segments_ref, 0,
		      (uint16_t)bytes, &request->error);
	stats_add(&request->queue->stats->indirect, 1);
	request_await_copy(request);
}

static void request_copy(struct request *request, bool in)
{
	struct grant_batch *batch = &request->queue->batch;

	for (int i = 0; i < request->segment_count; i++) {
		const struct slot_segment *segment = &request->buffer.segments[i];
		uint16_t offset = segment_offset(segment), bytes = segment_bytes(segment);
		char *local = request->buffer.data + i * BUFFER_PAGE + offset;

		if (in)
			grant_copy_in(batch, local, segment->ref, offset, bytes, &request->error);
		else
			grant_copy_out(batch, local, segment->ref, offset, bytes, &request->error);
	}
	request_await_copy(request);
}

static void request_io(struct request *request, enum disk_verb verb)
{
	struct queue *queue = request->queue;
	struct disk *disk = queue->disk;

	if (verb == DISK_FLUSH || verb == DISK_DISCARD)
		request->io.verb = verb;
	else
		request_prepare_io(request, verb, &queue->grants);
	request->io.more = queue->more || queue->copied;
	queue->at_disk++;
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

static void request_unmap(struct request *request, int count)
{
	for (int i = 0; i < count; i++)
		grant_release(&request->queue->grants, request->buffer.segments[i].map);
	request->mapped = false;
}

/*
 * With persistent grants the disk reads and writes the guest's pages: no copies.  A request of
 * which a page can't be mapped has all of its data copied.
 */
static void request_try_map(struct request *request)
{
	struct queue *queue = request->queue;
	uint64_t mapped = queue->grants.mapped;

	for (int i = 0; i < request->segment_count; i++) {
		struct slot_segment *segment = &request->buffer.segments[i];

		segment->map = grant_acquire(&queue->grants, segment->ref);
		if (segment->map == GRANT_NONE) {
			request_unmap(request, i);
			return;
		}
	}
	mapped = queue->grants.mapped - mapped;
	stats_set(&queue->stats->grants_held, queue->grants.held);
	stats_add(&queue->stats->grant_maps, mapped);
	stats_add(&queue->stats->grant_hits, request->segment_count - mapped);
	request->mapped = true;
	request->steps &= (uint8_t) ~(STEP_COPY_IN | STEP_COPY_OUT);
}

static void request_start(struct request *request)
{
	if (request->queue->connect.persistent && request->steps & (STEP_COPY_IN | STEP_COPY_OUT))
		request_try_map(request);
	request_run(request);
}

/* Starts the next step, or answers. */
static void request_run(struct request *request)
{
	switch (request->steps & -request->steps) {
	case STEP_SEGMENTS:
		request_copy_segments(request);
		break;
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

/* All that waits, in one call.  Those requests go first: their data is in the cache now. */
static void queue_copy(struct queue *queue)
{
	stats_add(&queue->stats->copy_calls, 1);
	stats_add(&queue->stats->copy_segments, queue->batch.count);
	stats_add(&queue->stats->copies_refused, grant_batch_run(&queue->batch));
	queue->now_ns = 0; /* that took its time */
	*queue->copying_tail = queue->copied;
	queue->copied = queue->copying;
	queue->copying = NULL;
	queue->copying_tail = &queue->copying;
}

bool requests_copy(struct queue *queue)
{
	struct request *request;

	if (queue->copying)
		queue_copy(queue);
	/* A list of segments that was copied wants its data copied next. */
	while ((request = queue->copied) && queue->batch.count < REQUESTS_COPY) {
		queue->copied = request->next;
		request_step_done(request, request->error);
	}
	if (!queue->copied)
		request_retry(queue); /* what ended here may be all that it waited for */
	return queue->copied || queue->copying;
}

/* ---- the start ---------------------------------------------------------------------------- */

/* Room for the data of a request that its slot's own buffer is too small for. */
static bool request_room(struct request *request)
{
	return request->segment_count <= SLOT_SEGMENTS ||
	       buffer_take(&request->queue->buffers, 0, request->segment_count, &request->buffer);
}

/* `slot` is a private copy, from the ring or from the journal, and nothing of it is checked yet. */
static void request_begin(struct request *request, const struct slot *slot)
{
	struct queue *queue = request->queue;
	const char *why = "";
	int status;

	queue->under_way++;
	request->taken_ns = queue_now(queue);
	limit_take(queue->limit, LIMIT_IOPS, 1);
	status = request_parse(request, slot, &queue->disk->spec, &why);
	if (status != BLKIF_RSP_OKAY) {
		request_refused(request, status, slot->sector_number, why);
		return;
	}
	limit_take(queue->limit, LIMIT_BPS, request_data(request));
	if (request->alone)
		queue->barrier = request;
	else if (!request_room(request))
		queue->roomless = request;
	else
		request_start(request);
}

void request_take(struct queue *queue)
{
	struct request *request = queue->free;
	uint32_t index = queue->ring.base.req_cons;
	struct slot slot;

	blkring_take(&queue->ring, &slot);
	journal_take(&queue->journal, request_number(request), index, &slot);
	queue->free = request->next;
	request_begin(request, &slot);
}

void request_replay(struct queue *queue)
{
	uint32_t number = (uint32_t)queue->replay;
	struct request *request = &queue->requests[number];
	struct slot slot;
	uint32_t tries = journal_retry(&queue->journal, number, queue->connect.suspect, &slot);

	queue->replay = journal_next(&queue->journal, queue->replay_cons, &queue->replay_age);
	if (tries < TRIES_MAX) {
		request_begin(request, &slot);
		return;
	}
	queue->under_way++;
	request->id = slot.id;
	request->operation = request_operation(&slot);
	request_refused(request, BLKIF_RSP_ERROR, slot.sector_number,
			"three workers have died of it; please report this");
}

void request_retry(struct queue *queue)
{
	struct request *request = queue->barrier;

	if (request && request->alone && queue->under_way == 1) {
		request->alone = false; /* once */
		request_start(request);
	}
	request = queue->roomless;
	if (request && request_room(request)) {
		queue->roomless = NULL;
		request_start(request);
	}
}
