// SPDX-License-Identifier: MIT
/*
 * A disk behind an NBD server.  The supervisor makes connections and never reads from one: bytes of
 * a server's are for a confined helper (at the offer: what is exported) and for the worker.
 *
 * The worker has no network, so its disk asks for each connection, the first as all later ones, on
 * a line of its own: a socket pair, one end of which travels with CHAN_CONNECT.  CHAN_WANT is
 * answered by CHAN_SOCKET, however long it takes; the disk itself counts how long its guest has
 * waited.  A stale answer is known by its serial.
 */
#include "blkback/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "blkback/helper.h"
#include "blkback/qemu.h"
#include "common/log.h"

enum {
	DIAL_EVERY_MS = 1000, /* a server that is away, or throws us out */
	DIAL_FIRST_MS = 20,   /* the first connection of a worker, which may be captured */
	PHYSICAL_MAX = 4096,  /* larger "sectors" only confuse guests */
	SAID_MAX = 4,	      /* by a disk for each connection: WANT, STALLED, LARGER, SERVED */
};

struct remote {
	struct helper helper; /* first: dials or probes */
	struct image *image;
	struct qemu *qemu; /* the server is ours; NULL: it is not */
	struct loop *loop;
	void (*opened)(struct image *image, const char *why); /* NULL: has been told */
	int line;
	struct loop_poll *line_poll;
	struct loop_timer *again;
	uint64_t dialled_ns;
	uint32_t wanted; /* the worker waits for this connection; 0: for none */
	uint32_t due;	 /* what its disk may still say */
	bool quiet;	 /* it was lost since we grow it */
	void (*grown)(struct image *image, const char *why); /* NULL: it is not growing */
	bool away;					     /* and was told about in the log */
	bool size_due;		     /* a connection was made and its size not told yet */
	struct log_limit lost, back; /* a worker that was captured may say so all day */
	char uid[12];
	char why[IMAGE_WHY_MAX];
};

static void remote_dial(struct remote *remote);

/* ---- the offer: what does it export? ---------------------------------------------------- */

static void remote_refuse(struct remote *remote, const char *fmt, const char *detail)
	__attribute__((format(printf, 2, 0)));

static void remote_refuse(struct remote *remote, const char *fmt, const char *detail)
{
	void (*opened)(struct image *, const char *) = remote->opened;

	snprintf(remote->why, sizeof(remote->why), fmt, detail);
	remote->opened = NULL;
	opened(remote->image, remote->why);
}

/* NULL, or why its export is no disk of ours. */
static const char *remote_measure(struct image *image, const struct probed *probed)
{
	struct disk_spec *spec = &image->spec;
	uint32_t best = probed->block_best;
	const char *why;

	if (image_check_size(probed->bytes, &spec->sectors, &why) < 0)
		return why;
	if (probed->read_only && !spec->read_only)
		return "is exported read-only; write access=ro in the disk's specification";
	if (probed->block_min > DISK_SECTOR)
		return "takes no requests of 512 bytes; put nbdkit's blocksize filter before it";
	if (best < DISK_SECTOR || (best & (best - 1)) != 0)
		best = DISK_SECTOR;
	spec->discard_granularity = best;
	spec->physical_sector = best > PHYSICAL_MAX ? PHYSICAL_MAX : best;
	if (probed->bytes % spec->physical_sector != 0)
		spec->physical_sector = DISK_SECTOR;
	spec->discard = image->want & IMAGE_DISCARD && probed->trim && !spec->read_only;
	spec->discard_unit = DISK_SECTOR;
	spec->wait_ms = image_options.nbd_wait_ms;
	return NULL;
}

static void remote_probed(struct helper *helper, struct chan_msg *msg, const char *why)
{
	struct remote *remote = (struct remote *)helper;
	void (*opened)(struct image *, const char *) = remote->opened;
	struct probed probed;

	for (uint32_t i = 0; msg && i < msg->nfds; i++)
		close(msg->fds[i]);
	if (!msg || msg->type != CHAN_PROBED) {
		remote_refuse(remote, "is no disk that an NBD server exports: %s", why ? why : "?");
		return;
	}
	memcpy(&probed, msg->body, sizeof(probed));
	why = remote_measure(remote->image, &probed);
	if (why) {
		remote_refuse(remote, "%s", why);
		return;
	}
	remote->opened = NULL;
	opened(remote->image, NULL);
}

static void remote_probe(struct remote *remote, int fd)
{
	const char *const argv[] = {"blkback: probe", "--probe", remote->uid,
				    remote->image->target.export, NULL};
	int err;

	remote->helper.done = remote_probed;
	err = helper_start(&remote->helper, remote->loop, argv, fd);
	close(fd);
	if (err < 0)
		remote_refuse(remote, "can't be probed: %s", strerror(-err));
}

/* ---- connections ------------------------------------------------------------------------ */

static void remote_again(void *arg)
{
	struct remote *remote = arg;

	remote->again = NULL;
	remote_dial(remote);
}

/* At once, but not more often than a server that throws us out can bear. */
static void remote_dial_soon(struct remote *remote, uint32_t every_ms)
{
	uint64_t ms = (loop_now_ns() - remote->dialled_ns) / 1000000;

	if (remote->again || remote->helper.child.pid > 0)
		return;
	if (remote->dialled_ns == 0 || ms >= every_ms)
		remote_dial(remote);
	else
		remote->again = loop_timer_add(remote->loop, (uint32_t)(every_ms - ms),
					       remote_again, remote);
}

static void remote_unreachable(struct remote *remote, const char *why)
{
	if (remote->opened) {
		remote_refuse(remote, "can't be reached: %s; is its server running?", why);
		return;
	}
	if (!remote->away)
		log_guest(&remote->lost, "%s can't be reached: %s; trying again each second",
			  remote->image->path, why);
	remote->away = true;
	remote_dial_soon(remote, DIAL_EVERY_MS);
}

/* Owns fd. */
static void remote_connected(struct remote *remote, int fd)
{
	struct chan_msg msg = {.type = CHAN_SOCKET, .serial = remote->wanted, .nfds = 1};

	if (remote->opened) {
		remote_probe(remote, fd);
		return;
	}
	msg.fds[0] = fd;
	memcpy(msg.body, remote->image->target.export, sizeof(remote->image->target.export));
	if (remote->wanted && chan_send(remote->line, &msg) == 0) {
		remote->wanted = 0;
		remote->due += SAID_MAX;
		remote->size_due = true;
	}
	close(fd);
}

static void remote_dialled(struct helper *helper, struct chan_msg *msg, const char *why)
{
	struct remote *remote = (struct remote *)helper;

	if (msg && msg->type == CHAN_SOCKET && msg->nfds == 1) {
		remote_connected(remote, msg->fds[0]);
		return;
	}
	for (uint32_t i = 0; msg && i < msg->nfds; i++)
		close(msg->fds[i]);
	remote_unreachable(remote, why ? why : "?");
}

static void remote_dial(struct remote *remote)
{
	const struct target *target = &remote->image->target;
	const char *const tcp[] = {"blkback: dial", "--dial",	  remote->uid, "tcp",
				   target->host,    target->port, NULL};
	const char *const local[] = {"blkback: dial", "--dial",	      remote->uid,
				     "unix",	      target->socket, NULL};
	int err;

	remote->dialled_ns = loop_now_ns();
	if (remote->qemu) {
		err = qemu_connect(remote->qemu);
		if (err < 0)
			remote_unreachable(remote, strerror(-err));
		else
			remote_connected(remote, err);
		return;
	}
	remote->helper.done = remote_dialled;
	err = helper_start(&remote->helper, remote->loop, target->kind == TARGET_TCP ? tcp : local,
			   -1);
	if (err < 0)
		remote_unreachable(remote, strerror(-err));
}

/* ---- the disk's line -------------------------------------------------------------------- */

/* Told once for each connection: a captured worker can't have the store written all day. */
static void remote_larger(struct remote *remote, const struct chan_msg *msg)
{
	struct image *image = remote->image;
	uint64_t bytes;

	memcpy(&bytes, msg->body, sizeof(bytes));
	if (remote->size_due && image->looked && bytes <= INT64_MAX &&
	    bytes / DISK_SECTOR > image->spec.sectors)
		image->looked(image, (int64_t)bytes);
	remote->size_due = false;
}

static void remote_handle(struct remote *remote, struct chan_msg *msg)
{
	const char *name = remote->image->path;

	if (msg->type == CHAN_LARGER) {
		remote_larger(remote, msg);
		return;
	}
	msg->text[CHAN_TEXT_MAX - 1] = '\0';
	switch (msg->type) {
	case CHAN_WANT:
		if (msg->text[0] && remote->grown)
			remote->quiet = true;
		else if (msg->text[0])
			log_guest(&remote->lost, "%s: lost its server (%s); I/O waits for it", name,
				  msg->text);
		remote->wanted = msg->serial;
		remote_dial_soon(remote, msg->text[0] ? DIAL_EVERY_MS : DIAL_FIRST_MS);
		break;
	case CHAN_SERVED:
		remote->away = false;
		if (!remote->quiet)
			log_guest(&remote->back, "%s: its server is back; I/O goes on", name);
		remote->quiet = false;
		break;
	case CHAN_STALLED:
		log_guest(&remote->lost,
			  "%s: its server has been away for %u s; its guest gets I/O errors until "
			  "it is back",
			  name, image_options.nbd_wait_ms / 1000);
		break;
	default: /* a captured worker's; no harm done */
		break;
	}
}

/* Only a captured worker is not heard any more: its disk gets no other connection. */
static void remote_hear_no_more(struct remote *remote, const char *why)
{
	log_guest(&remote->lost,
		  "%s: its worker %s: its guest has captured it, or halfback has a bug; it "
		  "gets no connection any more until its guest connects it again",
		  remote->image->path, why);
	loop_poll_del(remote->loop, remote->line_poll);
	remote->line_poll = NULL;
}

/* What a disk can say is bounded by the connections it had, and so is this loop. */
static void remote_line_ready(void *arg, int events)
{
	struct remote *remote = arg;
	struct chan_msg msg;
	int n;

	(void)events;
	while ((n = chan_recv(remote->line, &msg)) > 0) {
		for (uint32_t i = 0; i < msg.nfds; i++)
			close(msg.fds[i]);
		if (remote->due == 0) {
			remote_hear_no_more(remote, "says more than it may");
			return;
		}
		remote->due--;
		remote_handle(remote, &msg);
	}
	if (n == -EPROTO)
		remote_hear_no_more(remote, "sends what is no message");
}

/* A line on which nothing was said yet. */
static void remote_listen(struct remote *remote, int line)
{
	remote->line = line;
	remote->line_poll = loop_poll_add(remote->loop, line, remote_line_ready, remote);
	remote->due = SAID_MAX;
}

/* ---- open and close --------------------------------------------------------------------- */

/* The image behind it was looked at. */
static void remote_checked(void *arg, const char *why)
{
	struct remote *remote = arg;

	if (why)
		remote_refuse(remote, "%s", why);
	else
		remote_dial(remote);
}

/* Our qemu-nbd ended.  The worker asks for the next connection; at the offer there is no other. */
static void remote_failed(void *arg, const char *why)
{
	struct remote *remote = arg;

	if (remote->opened)
		remote_refuse(remote, "can't be served by qemu-nbd: %s", why);
}

int remote_renew(struct remote *remote)
{
	struct image *image = remote->image;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	loop_poll_del(remote->loop, remote->line_poll);
	close(remote->line);
	close(image->fds[0]);
	image->fds[0] = pair[1];
	remote_listen(remote, pair[0]);
	remote->wanted = 0;
	return 0;
}

static struct remote *remote_make(struct image *image,
				  void (*opened)(struct image *image, const char *why))
{
	struct remote *remote = calloc(1, sizeof(*remote));
	int pair[2];

	if (!remote)
		log_panic("out of memory");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		free(remote);
		return NULL;
	}
	remote->image = image;
	remote->loop = image->offload->loop;
	remote->opened = opened;
	remote_listen(remote, pair[0]);
	snprintf(remote->uid, sizeof(remote->uid), "%u", image->helper_uid);
	image->remote = remote;
	image->spec.engine = DISK_NBD;
	image->fds[0] = pair[1];
	image->nfds = 1;
	return remote;
}

void remote_open(struct image *image, void (*opened)(struct image *image, const char *why))
{
	struct remote *remote = remote_make(image, opened);

	if (remote)
		remote_dial(remote);
	else
		opened(image, strerror(errno));
}

void remote_open_file(struct image *image, void (*opened)(struct image *image, const char *why))
{
	int file = image->fds[0];
	bool direct = image->nfds == 2;
	struct remote *remote;

	if (direct)
		close(image->fds[1]);
	image->nfds = 0;
	remote = remote_make(image, opened);
	if (!remote) {
		close(file);
		opened(image, strerror(errno));
		return;
	}
	remote->qemu = qemu_open(image, file, direct, remote, remote_checked, remote_failed);
	if (!remote->qemu)
		remote_refuse(remote, "can't be looked at: %s", strerror(errno));
}

static void remote_grown(void *arg, const char *why)
{
	struct remote *remote = arg;
	void (*grown)(struct image *, const char *) = remote->grown;

	remote->grown = NULL;
	grown(remote->image, why);
}

void remote_grow(struct image *image, uint64_t bytes,
		 void (*grown)(struct image *image, const char *why))
{
	image->remote->grown = grown;
	qemu_grow(image->remote->qemu, bytes, remote_grown);
}

void remote_close(struct remote *remote)
{
	if (!remote)
		return;
	helper_drop(&remote->helper);
	qemu_close(remote->qemu);
	loop_timer_del(remote->loop, remote->again);
	loop_poll_del(remote->loop, remote->line_poll);
	close(remote->line);
	free(remote);
}
