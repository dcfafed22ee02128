// SPDX-License-Identifier: MIT
/*
 * The connection of a disk: asked for on its line, from the supervisor; handshake, and the writes
 * that the server may have lost; its end, after which the next one is asked for.  The bytes that a
 * server sends are read here, by libnbd, in a worker that has given up everything else.
 */
#include "blkback/nbd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "blkback/disk_filters.h"

enum {
	HELLO_MS = 8000,	/* for a handshake */
	STEADY_NS = 1000000000, /* a connection that lasted so long was one */
};

void nbd_tell(struct nbd_disk *n, enum chan_type type, const char *text)
{
	struct chan_msg msg = {.type = type, .serial = n->serial};

	snprintf(msg.text, sizeof(msg.text), "%s", text);
	if (n->line >= 0)
		chan_send(n->line, &msg);
}

void nbd_want(struct nbd_disk *n, const char *lost)
{
	uint64_t waited_ms;

	n->serial++;
	n->wanting = true;
	nbd_tell(n, CHAN_WANT, lost);
	if (n->stalled || n->limit)
		return;
	if (n->lost_ns == 0)
		n->lost_ns = loop_now_ns();
	waited_ms = (loop_now_ns() - n->lost_ns) / 1000000;
	n->limit = loop_timer_add(
		n->disk.loop,
		waited_ms < n->disk.spec.wait_ms ? n->disk.spec.wait_ms - (uint32_t)waited_ms : 0,
		nbd_limit, n);
}

/* ---- it ends ------------------------------------------------------------------------- */

void nbd_disconnect(struct nbd_disk *n)
{
	if (!n->nbd)
		return;
	loop_poll_del(n->disk.loop, n->in_poll);
	loop_poll_del(n->disk.loop, n->out_poll);
	loop_timer_del(n->disk.loop, n->hello);
	n->in_poll = n->out_poll = NULL;
	n->hello = NULL;
	n->dropping = true;
	nbd_close(n->nbd);
	n->dropping = false;
	n->nbd = NULL;
	n->checked = n->up = false;
	n->again = 0;
}

bool nbd_is_dead(const struct nbd_disk *n)
{
	return n->nbd && (nbd_aio_is_dead(n->nbd) || nbd_aio_is_closed(n->nbd));
}

/* libnbd's words about what failed last, less the names of its functions. */
static void nbd_keep_reason(struct nbd_disk *n)
{
	const char *text = nbd_get_error(), *colon;

	while (text && strncmp(text, "nbd_", 4) == 0 && (colon = strstr(text, ": ")))
		text = colon + 2;
	snprintf(n->reason, sizeof(n->reason), "%s", text ? text : "");
}

/*
 * What was not answered waits again, before all that came later.  libnbd has answered it with
 * errors of its own; one of the server's among them is asked for again, too.
 */
static void nbd_drop(struct nbd_disk *n, const char *why)
{
	struct disk_io *io, *next;

	/* One that only comes up to go down again has not ended the guest's wait. */
	if (n->up && loop_now_ns() - n->up_ns > STEADY_NS)
		n->lost_ns = 0;
	nbd_disconnect(n);
	n->reserved = 0;
	for (io = TAILQ_FIRST(&n->done); io; io = next) {
		next = TAILQ_NEXT(io, order);
		if (io->err < 0) {
			TAILQ_REMOVE(&n->done, io, order);
			TAILQ_INSERT_TAIL(&n->sent, io, order);
		} else if (io->verb == DISK_WRITE) {
			n->reserved += unflushed_takes(io->bytes);
		}
	}
	TAILQ_CONCAT(&n->sent, &n->waiting, order);
	TAILQ_CONCAT(&n->waiting, &n->sent, order);
	nbd_want(n, why);
}

/* ---- it begins ----------------------------------------------------------------------- */

static int nbd_rewritten(void *user_data, int *error)
{
	struct nbd_disk *n = user_data;

	if (n->dropping)
		return 1;
	n->again = 0;
	n->replay_err = *error;
	return 1;
}

/* Writes again what the server may have lost, one after the other: they may overlap. */
static void nbd_replay(struct nbd_disk *n)
{
	nbd_completion_callback answer = {.callback = nbd_rewritten, .user_data = n};
	struct unflushed_write write;

	while (n->again == 0 && n->replay_err == 0 && !nbd_is_dead(n)) {
		if (!unflushed_next(&n->unflushed, &n->replay, &write)) {
			n->up = true;
			return;
		}
		n->again = 1;
		if (nbd_aio_pwrite(n->nbd, write.data, write.bytes, write.offset, answer, 0) < 0)
			n->replay_err = nbd_get_errno() ? nbd_get_errno() : EIO;
	}
}

/* The supervisor may tell the guest, and then us: until it does, the disk is what it was. */
static void nbd_tell_size(const struct nbd_disk *n, uint64_t bytes)
{
	struct chan_msg msg = {.type = CHAN_LARGER, .serial = n->serial};

	memcpy(msg.body, &bytes, sizeof(bytes));
	if (n->line >= 0)
		chan_send(n->line, &msg);
}

/* NULL, or why the server does not export our disk any more. */
static const char *nbd_check(struct nbd_disk *n)
{
	const struct disk_spec *spec = &n->disk.spec;
	int64_t bytes = nbd_get_size(n->nbd);

	if (bytes < 0 || (uint64_t)bytes < spec->sectors * DISK_SECTOR)
		return "its export is smaller now than the disk";
	if (nbd_is_read_only(n->nbd) > 0 && !spec->read_only)
		return "its export is read-only now";
	if ((uint64_t)bytes / DISK_SECTOR > spec->sectors)
		nbd_tell_size(n, (uint64_t)bytes);
	n->can_flush = nbd_can_flush(n->nbd) > 0;
	n->can_trim = nbd_can_trim(n->nbd) > 0;
	loop_timer_del(n->disk.loop, n->hello);
	n->hello = NULL;
	n->checked = true;
	n->replay = n->unflushed.tail;
	return NULL;
}

static void nbd_came_up(struct nbd_disk *n)
{
	if (n->served)
		nbd_tell(n, CHAN_SERVED, "");
	n->served = true;
	n->stalled = false;
	n->up_ns = loop_now_ns();
	loop_timer_del(n->disk.loop, n->limit);
	n->limit = NULL;
}

/* From the handshake to the last write that is done again; or drops the connection. */
void nbd_advance(struct nbd_disk *n)
{
	const char *why = NULL;

	if (!nbd_is_dead(n) && !n->checked && !nbd_aio_is_connecting(n->nbd))
		why = nbd_check(n);
	if (n->checked && !n->up && !nbd_is_dead(n)) {
		nbd_replay(n);
		if (n->up)
			nbd_came_up(n);
	}
	if (nbd_is_dead(n))
		why = n->reason[0] ? n->reason : "it closed the connection";
	else if (n->replay_err)
		why = "it refuses writes that it took before";
	if (why)
		nbd_drop(n, why);
}

static void nbd_silent(void *arg)
{
	struct nbd_disk *n = arg;

	n->hello = NULL;
	nbd_drop(n, "it does not answer");
	nbd_settle(n);
}

/* ---- bytes come and go --------------------------------------------------------------- */

static bool nbd_readable(const struct nbd_disk *n)
{
	struct pollfd p = {.fd = nbd_aio_get_fd(n->nbd), .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

/*
 * A call takes one answer out of the socket, and the loop tells of new bytes only: so go on until
 * the socket is empty.  With an empty one libnbd must not be called: it would take itself to be
 * within an answer, and send nothing before the next one.
 */
static void nbd_receive(struct nbd_disk *n)
{
	while (!nbd_is_dead(n) && nbd_aio_get_direction(n->nbd) & LIBNBD_AIO_DIRECTION_READ &&
	       nbd_readable(n))
		if (nbd_aio_notify_read(n->nbd) < 0)
			nbd_keep_reason(n);
}

static void nbd_in_ready(void *arg, int events)
{
	struct nbd_disk *n = arg;

	(void)events;
	nbd_receive(n);
	nbd_settle(n);
}

static void nbd_out_ready(void *arg, int events)
{
	struct nbd_disk *n = arg;

	(void)events;
	if (nbd_aio_get_direction(n->nbd) & LIBNBD_AIO_DIRECTION_WRITE &&
	    nbd_aio_notify_write(n->nbd) < 0)
		nbd_keep_reason(n);
	nbd_receive(n); /* what came while it could not be received */
	nbd_settle(n);
}

/* Waits for room in the socket only while there is something to write. */
void nbd_watch_out(struct nbd_disk *n)
{
	bool write = n->nbd && nbd_aio_get_direction(n->nbd) & LIBNBD_AIO_DIRECTION_WRITE;

	if (write && !n->out_poll) {
		n->out_poll =
			loop_poll_add_out(n->disk.loop, nbd_aio_get_fd(n->nbd), nbd_out_ready, n);
	} else if (!write) {
		loop_poll_del(n->disk.loop, n->out_poll);
		n->out_poll = NULL;
	}
}

/* ---- the supervisor's answer --------------------------------------------------------- */

static void nbd_connect(struct nbd_disk *n, int fd, const char *export)
{
	struct nbd_handle *nbd = nbd_create();

	n->wanting = false;
	n->reason[0] = '\0';
	n->replay_err = 0;
	if (!nbd || nbd_set_export_name(nbd, export) < 0 ||
	    nbd_set_tls(nbd, LIBNBD_TLS_DISABLE) < 0 ||
	    nbd_set_request_structured_replies(nbd, false) < 0 || /* one header less to receive */
	    nbd_set_pread_initialize(nbd, false) < 0 ||		  /* what fails is not copied out */
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ||
	    nbd_aio_connect_socket(nbd, fd) < 0) {
		nbd_keep_reason(n);
		nbd_close(nbd);
		nbd_want(n, n->reason);
		return;
	}
	n->nbd = nbd;
	n->in_poll = loop_poll_add(n->disk.loop, nbd_aio_get_fd(nbd), nbd_in_ready, n);
	n->hello = loop_timer_add(n->disk.loop, HELLO_MS, nbd_silent, n);
	nbd_settle(n);
}

void nbd_line_ready(void *arg, int events)
{
	struct nbd_disk *n = arg;
	struct chan_msg msg;
	int got;

	(void)events;
	while ((got = chan_recv(n->line, &msg)) > 0) {
		bool ours = msg.type == CHAN_SOCKET && msg.nfds == 1 && n->wanting &&
			    msg.serial == n->serial;

		if (ours)
			nbd_connect(n, msg.fds[0], (const char *)msg.body);
		for (uint32_t i = 0; !ours && i < msg.nfds; i++)
			close(msg.fds[i]);
	}
	if (got == 0)
		return;
	loop_poll_del(n->disk.loop, n->line_poll);
	n->line_poll = NULL;
	n->line = -1;
	nbd_settle(n);
}

/* What libnbd does with a socket that it is given.  It makes none. */
static const struct filter_rule nbd_rules[] = {
	FILTER_NULL(recvfrom, 4),      FILTER_NULL(sendto, 4),
	FILTER_ALLOW(shutdown),	       FILTER_ALLOW(poll),
	FILTER_INT(fcntl, 1, F_GETFD), FILTER_INT(fcntl, 1, F_SETFD),
	FILTER_INT(fcntl, 1, F_GETFL), FILTER_INT(fcntl, 1, F_SETFL),
};

const struct filter nbd_filter = {FILTER_RULES(nbd_rules)};
