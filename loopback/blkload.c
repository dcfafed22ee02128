// SPDX-License-Identifier: MIT
/*
 * blkload: a load on a guest's disk, by the reference frontend; run inside the guest, as in
 * `xloop exec GUEST -- blkload --dev=xvda --rw=randread`.  See --help for what it can do.
 *
 * It exits 0 when all went well, 1 when a block failed or held what it must not, 2 when it was
 * called wrongly.  SIGTERM and SIGINT end a load early, and well: the report is for what was done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loopback/blkload.h"
#include "loopback/pattern.h"
#include "loopback/vdev.h"

#define BUFFERS_MAX                                                                                \
	4096 /* granted pages; a larger load goes through the frontend's bounce pages              \
	      */

sig_atomic_t load_stop;
static int stop_fd;

static void stop_signal(int sig)
{
	uint64_t one = 1;
	int saved = errno;
	ssize_t n = write(stop_fd, &one, sizeof(one));

	(void)sig;
	(void)n;
	__atomic_store_n(&load_stop, 1, __ATOMIC_RELAXED);
	errno = saved;
}

static int signals_init(void)
{
	struct sigaction sa = {.sa_handler = stop_signal};

	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0)
		return -errno;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	return 0;
}

/* ---- single operations -------------------------------------------------------------------- */

static void single_done(struct blkfront_req *req, int err)
{
	*(int *)req->owner = err;
}

/* One request like @what, waited for.  Its error. */
static int load_single(struct blkfront_queue *q, const struct blkfront_req *what)
{
	struct blkfront_req req = *what;
	int result = 1, err;

	req.done = single_done;
	req.owner = &result;
	err = blkfront_submit(q, &req);
	if (err)
		return err;
	blkfront_push(q);
	while (result > 0)
		blkfront_wait(q, -1);
	return result;
}

static int op_single(struct blkfront *bf, const struct load_opts *o, uint8_t op, const char *name)
{
	struct blkfront_req req = {.op = op,
				   .sector = o->offset / BLKFRONT_SECTOR,
				   .sectors = o->size / BLKFRONT_SECTOR};
	int err;

	if (op == BLKIF_OP_FLUSH_DISKCACHE)
		req.sectors = 0;
	if (op == BLKIF_OP_WRITE_BARRIER && req.sectors) {
		if (req.sectors > BLKFRONT_PIECE_SECTORS) {
			fprintf(stderr, "blkload: a barrier's --size is at most 44k\n");
			return -EINVAL;
		}
		req.buf = malloc(o->size);
		if (!req.buf)
			return -ENOMEM;
		pattern_fill(req.buf, o->size, 512, o->offset, o->seed,
			     o->generation ? o->generation : 1);
	}
	err = load_single(blkfront_queue(bf, 0), &req);
	free(req.buf);
	if (err)
		fprintf(stderr, "blkload: %s failed: %s\n", name, strerror(-err));
	else if (o->json)
		printf("{\"op\": \"%s\", \"ok\": true}\n", name);
	else
		printf("%s done\n", name);
	return err;
}

static int op_hold(struct blkfront *bf)
{
	int err = 0;

	puts("connected");
	fflush(stdout);
	while (!load_stopped() && err != -ESHUTDOWN) {
		err = blkfront_wait(blkfront_queue(bf, 0), -1);
		if (err < 0 && err != -EINTR && err != -ESHUTDOWN)
			return err;
	}
	return 0;
}

/* ---- the load ----------------------------------------------------------------------------- */

/* Set what the command line left open, and refuse what this disk can't hold. */
static int load_fit(struct load_opts *o, uint64_t bytes, unsigned int queues)
{
	uint64_t blocks;

	if (o->offset > bytes || o->size > bytes - o->offset) {
		fprintf(stderr, "blkload: --offset and --size reach beyond the disk's %llu bytes\n",
			(unsigned long long)bytes);
		return -EINVAL;
	}
	if (!o->size)
		o->size = bytes - o->offset;
	blocks = o->size / o->bs;
	if (blocks < queues) {
		fprintf(stderr,
			"blkload: %llu bytes are less than one block of --bs=%llu for each of "
			"%u queues\n",
			(unsigned long long)o->size, (unsigned long long)o->bs, queues);
		return -EINVAL;
	}
	if (!o->ios && o->runtime <= 0)
		o->ios = blocks;
	if (o->verify && o->qd > blocks / queues)
		o->qd = (unsigned int)(blocks / queues);
	return 0;
}

static int op_load(struct blkfront *bf, struct load_opts *o)
{
	struct load_result *r = calloc(1, sizeof(*r));
	const struct blkfront_info *info = blkfront_info(bf);
	int err = load_fit(o, info->sectors * BLKFRONT_SECTOR, info->queues);

	if (!err && !r)
		err = -ENOMEM;
	if (!err) {
		err = load_run(bf, o, r);
		if (err)
			fprintf(stderr, "blkload: ended early: %s\n",
				err == -ESHUTDOWN ? "the backend closed the device"
						  : strerror(-err));
		report_result(bf, o, r);
		if (!err && (r->errors || r->verify_errors))
			err = -EIO;
	}
	free(r);
	return err;
}

static int op_run(struct blkfront *bf, struct load_opts *o)
{
	switch (o->op) {
	case OP_LOAD:
		return op_load(bf, o);
	case OP_INFO:
		report_info(bf, o);
		return 0;
	case OP_FLUSH:
		return op_single(bf, o, BLKIF_OP_FLUSH_DISKCACHE, "flush");
	case OP_DISCARD:
		if (!o->size)
			o->size = blkfront_info(bf)->sectors * BLKFRONT_SECTOR - o->offset;
		return op_single(bf, o, BLKIF_OP_DISCARD, "discard");
	case OP_BARRIER:
		return op_single(bf, o, BLKIF_OP_WRITE_BARRIER, "barrier");
	case OP_HOLD:
		return op_hold(bf);
	}
	return -EINVAL;
}

static void front_opts(struct load_opts *o)
{
	uint64_t pages = (o->bs + BLKFRONT_PAGE - 1) / BLKFRONT_PAGE * o->qd;

	o->front.wake_fd = stop_fd;
	if (o->op == OP_LOAD && pages * o->front.queues <= BUFFERS_MAX)
		o->front.buffer_pages = (unsigned int)pages;
	else if (o->op != OP_LOAD)
		o->front.bounce_pages = BLKFRONT_SEGMENTS;
}

static int blkload(struct load_opts *o, unsigned int devid)
{
	struct guest guest;
	struct blkfront *bf;
	int err, closed;

	if (guest_open(&guest))
		return 1;
	front_opts(o);
	bf = blkfront_open(&guest, devid, &o->front);
	if (!bf) {
		guest_close(&guest);
		return 1;
	}
	err = op_run(bf, o);
	if (!err && o->stay)
		err = op_hold(bf);
	closed = blkfront_close(bf);
	if (closed)
		fprintf(stderr, "blkload: the backend did not close: %s\n", strerror(-closed));
	guest_close(&guest);
	return err || closed;
}

int main(int argc, char **argv)
{
	struct load_opts o;
	int devid;
	int err = opts_parse(&o, argc, argv);

	if (err)
		return err > 0 ? 0 : 2;
	devid = vdev_number(o.dev);
	if (devid < 0) {
		fprintf(stderr,
			"blkload: \"%s\" is no disk's name; say xvda or 51712, for example\n",
			o.dev);
		return 2;
	}
	if (signals_init())
		return 1;
	return blkload(&o, (unsigned int)devid);
}
