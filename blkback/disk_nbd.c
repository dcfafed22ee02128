// SPDX-License-Identifier: MIT
/*
 * Whatever an NBD server exports, by libnbd on the worker's own loop.
 *
 * Connections come from the supervisor, over the disk's line (remote.c); the handshake is made
 * here, with each of them.  An I/O is `waiting` until it is sent, `sent` until it is answered, then
 * `done` until its owner is told.  When a connection breaks, what was sent waits again, in its old
 * order; a guest notices no more than a delay, up to spec.wait_ms.  After that it gets errors until
 * the server is back.
 *
 * A server may lose what it has answered but was not told to flush: qemu-nbd keeps a qcow2's tables
 * in its memory.  So those writes are kept (unflushed.h) and written again, in order, before
 * anything else is sent over a new connection; when there are many we flush by ourselves.  The
 * order of writes is known within one connection only, which is why a disk has one:
 * disk_is_alone().
 *
 * libnbd calls our completions with its handle locked: they only move an I/O to `done`.
 */
#include "blkback/nbd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

enum {
	UNFLUSHED_BYTES = 32 << 20,
	TRIM_MAX = 1 << 30, /* bytes; a command's length is a 32-bit number */
};

/* ---- waiting too long ------------------------------------------------------------------ */

static void nbd_fail_waiting(struct nbd_disk *n)
{
	struct disk_io *io;

	while ((io = TAILQ_FIRST(&n->waiting))) {
		TAILQ_REMOVE(&n->waiting, io, order);
		io->err = -EIO;
		if (io == &n->own_flush)
			n->flushing = false; /* nobody waits for it */
		else
			TAILQ_INSERT_TAIL(&n->done, io, order);
		if (io->verb == DISK_WRITE) /* as if it had been sent */
			n->reserved += unflushed_takes(io->bytes);
	}
}

void nbd_limit(void *arg)
{
	struct nbd_disk *n = arg;

	n->limit = NULL;
	n->stalled = true;
	nbd_tell(n, CHAN_STALLED, "");
	nbd_settle(n);
}

/* ---- commands --------------------------------------------------------------------------- */

/* libnbd: a command of an I/O is answered, or its connection is gone. */
static int nbd_answered(void *user_data, int *error)
{
	struct disk_io *io = user_data;
	struct nbd_disk *n = (struct nbd_disk *)io->disk;

	if (n->dropping)
		return 1;
	if (*error && io->err == 0)
		io->err = -*error;
	if (--io->commands == 0) {
		TAILQ_REMOVE(&n->sent, io, order);
		TAILQ_INSERT_TAIL(&n->done, io, order);
	}
	return 1; /* libnbd may forget the command */
}

/* A command that libnbd did not take. */
static void nbd_not_sent(struct disk_io *io)
{
	int err = nbd_get_errno();

	if (err == 0)
		err = EIO;
	nbd_answered(io, &err);
}

static void nbd_rw(struct nbd_disk *n, struct disk_io *io)
{
	uint64_t at = io->offset;

	for (int i = 0; i < io->iov_count; i++) {
		const struct iovec *iov = &io->iov[i];
		nbd_completion_callback answer = {.callback = nbd_answered, .user_data = io};
		int64_t cookie;

		io->commands++;
		cookie = io->verb == DISK_READ
				 ? nbd_aio_pread(n->nbd, iov->iov_base, iov->iov_len, at, answer, 0)
				 : nbd_aio_pwrite(n->nbd, iov->iov_base, iov->iov_len, at, answer,
						  0);
		if (cookie < 0)
			nbd_not_sent(io);
		at += iov->iov_len;
	}
}

static void nbd_trim_range(struct nbd_disk *n, struct disk_io *io)
{
	for (uint64_t done = 0; n->can_trim && done < io->bytes;) {
		uint64_t left = io->bytes - done, bytes = left < TRIM_MAX ? left : TRIM_MAX;
		nbd_completion_callback answer = {.callback = nbd_answered, .user_data = io};

		io->commands++;
		if (nbd_aio_trim(n->nbd, bytes, io->offset + done, answer, 0) < 0)
			nbd_not_sent(io);
		done += bytes;
	}
}

static void nbd_flush_all(struct nbd_disk *n, struct disk_io *io)
{
	nbd_completion_callback answer = {.callback = nbd_answered, .user_data = io};

	io->moved = n->unflushed.head; /* it covers what was answered before it is sent */
	if (!n->can_flush)
		return;
	io->commands++;
	if (nbd_aio_flush(n->nbd, answer, 0) < 0)
		nbd_not_sent(io);
}

/*
 * io->commands counts the commands that are not answered; one for ourselves, so that an I/O whose
 * first command fails at once is not done before its last is sent.
 */
static void nbd_send(struct nbd_disk *n, struct disk_io *io)
{
	int none = 0;

	TAILQ_REMOVE(&n->waiting, io, order);
	TAILQ_INSERT_TAIL(&n->sent, io, order);
	if (io->verb == DISK_WRITE)
		n->reserved += unflushed_takes(io->bytes);
	io->err = 0;
	io->commands = 1;
	switch (io->verb) {
	case DISK_READ:
	case DISK_WRITE:
		nbd_rw(n, io);
		break;
	case DISK_FLUSH:
		nbd_flush_all(n, io);
		break;
	case DISK_DISCARD:
		nbd_trim_range(n, io);
		break;
	}
	nbd_answered(io, &none);
}

/* ---- what has been answered but not flushed --------------------------------------------- */

/* As in a page cache: an error is told once, by the flush that comes next. */
static void nbd_own_flushed(struct disk_io *io, int err)
{
	struct nbd_disk *n = (struct nbd_disk *)io->disk;

	n->flushing = false;
	if (err < 0) {
		n->flush_err = err;
		unflushed_trim(&n->unflushed, io->moved);
	}
}

static void nbd_flush_soon(struct nbd_disk *n)
{
	if (n->flushing || !unflushed_is_filling(&n->unflushed))
		return;
	n->flushing = true;
	n->own_flush =
		(struct disk_io){.verb = DISK_FLUSH, .disk = &n->disk, .done = nbd_own_flushed};
	TAILQ_INSERT_HEAD(&n->waiting, &n->own_flush, order);
}

/* Bookkeeping of an answer. */
static void nbd_account(struct nbd_disk *n, struct disk_io *io)
{
	if (io->verb == DISK_WRITE) {
		n->reserved -= unflushed_takes(io->bytes);
		if (io->err == 0 && n->can_flush &&
		    !unflushed_keep(&n->unflushed, io->offset, io->iov, io->iov_count))
			log_panic("no room for a write that was sent");
	} else if (io->verb == DISK_FLUSH && io->err == 0) {
		unflushed_trim(&n->unflushed, io->moved);
		if (io != &n->own_flush) {
			io->err = n->flush_err;
			n->flush_err = 0;
		}
	}
}

/* ---- one turn --------------------------------------------------------------------------- */

/* Room for the data of this write, beside all that are sent and not yet kept. */
static bool nbd_has_room(const struct nbd_disk *n, const struct disk_io *io)
{
	return io->verb != DISK_WRITE || !n->can_flush ||
	       unflushed_has_room(&n->unflushed, n->reserved + unflushed_takes(io->bytes));
}

static void nbd_send_waiting(struct nbd_disk *n)
{
	struct disk_io *io;

	if (n->up)
		nbd_flush_soon(n);
	while (n->up && !nbd_is_dead(n) && (io = TAILQ_FIRST(&n->waiting)) && nbd_has_room(n, io))
		nbd_send(n, io);
}

static void nbd_tell_done(struct nbd_disk *n)
{
	struct disk_io *io;

	while (!nbd_is_dead(n) && (io = TAILQ_FIRST(&n->done))) {
		TAILQ_REMOVE(&n->done, io, order);
		nbd_account(n, io);
		if (io->err == 0)
			n->lost_ns = 0;
		io->done(io, io->err);
	}
}

/* Does all that can be done now.  What it calls may submit more, which it then does, too. */
void nbd_settle(struct nbd_disk *n)
{
	if (n->settling)
		return;
	n->settling = true;
	do {
		if (n->nbd)
			nbd_advance(n);
		nbd_send_waiting(n);
		if (!n->up && (n->stalled || (n->line < 0 && !n->nbd)))
			nbd_fail_waiting(n);
		nbd_tell_done(n);
	} while (nbd_is_dead(n) || !TAILQ_EMPTY(&n->done) ||
		 (n->up && !TAILQ_EMPTY(&n->waiting) && nbd_has_room(n, TAILQ_FIRST(&n->waiting))));
	nbd_watch_out(n);
	n->settling = false;
}

/* ---- the engine ------------------------------------------------------------------------- */

static void nbd_submit(struct disk *disk, struct disk_io *io)
{
	struct nbd_disk *n = (struct nbd_disk *)disk;

	io->disk = disk;
	TAILQ_INSERT_TAIL(&n->waiting, io, order);
	nbd_settle(n);
}

static int nbd_open(struct disk **disk, struct loop *loop, const struct disk_spec *spec,
		    const int *fds, uint32_t nfds, uint32_t queue)
{
	struct nbd_disk *n;
	int err;

	if (nfds != 1 || queue != 0)
		return -EINVAL;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	err = unflushed_init(&n->unflushed, UNFLUSHED_BYTES);
	if (err < 0) {
		free(n);
		return err;
	}
	n->disk = (struct disk){.ops = &disk_nbd, .loop = loop, .spec = *spec};
	TAILQ_INIT(&n->waiting);
	TAILQ_INIT(&n->sent);
	TAILQ_INIT(&n->done);
	n->line = fds[0];
	n->line_poll = loop_poll_add(loop, n->line, nbd_line_ready, n);
	/* Not one that the line's last user may have had: its answer may still come. */
	n->serial = (uint32_t)loop_now_ns();
	nbd_want(n, "");
	*disk = &n->disk;
	return 0;
}

static void nbd_close_disk(struct disk *disk)
{
	struct nbd_disk *n = (struct nbd_disk *)disk;

	if (n->nbd)
		nbd_aio_disconnect(n->nbd, 0);
	nbd_disconnect(n);
	loop_poll_del(n->disk.loop, n->line_poll);
	loop_timer_del(n->disk.loop, n->limit);
	unflushed_free(&n->unflushed);
	free(n);
}

const struct disk_ops disk_nbd = {
	.name = "nbd",
	.open = nbd_open,
	.submit = nbd_submit,
	.close = nbd_close_disk,
};
