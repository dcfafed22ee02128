// SPDX-License-Identifier: MIT
/*
 * Frames of a tap.  A tap gives and takes one frame a call, so what a call costs is what a small
 * packet costs.  With io_uring a turn's calls are one entry of the kernel:
 *
 * Reads are queued in batches, of which at most one waits.  All but the last don't (RWF_NOWAIT), so
 * a batch ends with one read that waits, and when that one completes there are frames again.  A
 * batch that was filled doubles the next one, and one that was not is followed by one of what there
 * was, so neither a busy tap nor one with a frame now and then is asked in vain.
 *
 * Before Linux 6.4 a tap has no FMODE_NOWAIT: io_uring refuses RWF_NOWAIT, and would give each call
 * to a thread of the kernel, which took a thousand times as long on a real Xen.  But what is
 * O_NONBLOCK it tries at once, and polls if that said EAGAIN (io_file_supports_nowait).  There a
 * batch is a chain (IOSQE_IO_HARDLINK): each read begins when the one before it is done, so that
 * only one polls.  For small frames that is dearer than RWF_NOWAIT, but less than a call a frame
 * where each system call goes through the hypervisor, as in a PV dom0.
 *
 * It owns the buffers.  They are used from the first one on in each batch, so that the same few
 * stay in the processor's cache, and are free again when all frames of a batch were taken: how much
 * is read ahead of the guest is bounded by that.
 *
 * Without io_uring each frame is a call of its own (`direct`), and a poll tells when there are
 * some.
 */
#include "netback/tapio.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/filter.h"
#include "common/guest.h" /* __force */
#include "common/log.h"
#include "netback/tap.h"

enum {
	FRAME_MAX = TAP_FRAME_PAGES * TAP_PAGE,
	BUFFER = TAP_PAGES * TAP_PAGE,
};

static uint8_t *read_buffer(const struct tapio *tap, uint32_t index)
{
	return tap->buffers + (size_t)index * BUFFER + TAP_PAGE - VNET_HEADER;
}

static void cancel_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct tapio *tap = (struct tapio *)((char *)op - offsetof(struct tapio, cancel));

	(void)res;
	(void)cqe_flags;
	tap->cancel_sent = false;
}

static void read_done(struct op *op, int res, uint32_t cqe_flags)
{
	struct tap_read *read = (struct tap_read *)op;

	(void)cqe_flags;
	read->res = res;
	read->done = true;
	read->tap->pending--;
}

static void tap_ready(void *arg, int events)
{
	struct tapio *tap = arg;

	(void)events;
	tap->readable = true;
}

int tapio_open(struct tapio *tap, struct loop *loop, int fd)
{
	memset(tap, 0, sizeof(*tap));
	tap->loop = loop;
	tap->fd = fd;
	tap->batch = 1;
	tap->buffers = mmap(NULL, (size_t)TAP_READS_MAX * BUFFER, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (tap->buffers == MAP_FAILED) {
		tap->buffers = NULL;
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < TAP_READS_MAX; i++) {
		tap->reads[i].op.done = read_done;
		tap->reads[i].tap = tap;
	}
	tap->cancel.done = cancel_done;
	tap->direct = loop->way == LOOP_EPOLL;
	tap->chained = !tap->direct && (fcntl(fd, F_GETFL) & O_NONBLOCK);
	if (tap->direct) {
		tap->poll = loop_poll_add(loop, fd, tap_ready, tap);
		tap->readable = true;
	}
	return 0;
}

void tapio_close(struct tapio *tap)
{
	if (!tap->buffers)
		return;
	loop_poll_del(tap->loop, tap->poll);
	munmap(tap->buffers, (size_t)TAP_READS_MAX * BUFFER);
	memset(tap, 0, sizeof(*tap));
}

/* ---- reading ------------------------------------------------------------------------------ */

static void reads_queue(struct tapio *tap)
{
	/* A chain ends where it is submitted, and two of them would take frames in turn. */
	if (io_uring_sq_space_left(&tap->loop->ring) < tap->queued)
		loop_submit(tap->loop);
	for (uint32_t i = 0; i < tap->queued; i++) {
		struct io_uring_sqe *sqe = loop_sqe(tap->loop, &tap->reads[i].op);

		io_uring_prep_read(sqe, tap->fd, read_buffer(tap, i), FRAME_MAX + VNET_HEADER, 0);
		io_uring_sqe_set_data(sqe, &tap->reads[i].op);
		if (i + 1 == tap->queued)
			break;
		if (tap->chained)
			sqe->flags |= IOSQE_IO_HARDLINK;
		else
			sqe->rw_flags = (__force __kernel_rwf_t)READ_NOWAIT;
	}
}

static void reads_do(struct tapio *tap)
{
	uint32_t i = 0;

	while (i < tap->queued && tap->readable) {
		ssize_t n = read(tap->fd, read_buffer(tap, i), FRAME_MAX + VNET_HEADER);

		if (n < 0 && errno == EAGAIN) {
			tap->readable = false;
			break;
		}
		read_done(&tap->reads[i++].op, n < 0 ? -errno : (int)n, 0);
	}
	tap->pending -= tap->queued - i;
	tap->queued = i;
}

static uint32_t tap_got(const struct tapio *tap)
{
	uint32_t got = 0;

	for (uint32_t i = 0; i < tap->queued; i++)
		got += tap->reads[i].res > 0;
	return got;
}

/* A chain is always filled: it is right if it lasts two turns. */
static uint32_t next_batch(const struct tapio *tap)
{
	uint32_t got = tap_got(tap);

	if (tap->chained && tap->turns > 2)
		got /= 2;
	if (got < tap->queued)
		return got > 1 ? got : 1;
	if (tap->chained && tap->turns == 2)
		return got;
	return tap->batch * 2 < TAP_READS_MAX ? tap->batch * 2 : TAP_READS_MAX;
}

/* Whether this turn has taken any of the batch. */
static void turn_count(struct tapio *tap)
{
	tap->turns += tap->next != tap->seen;
	tap->seen = tap->next;
}

void tapio_read(struct tapio *tap)
{
	turn_count(tap);
	if (tap->pending > 0 || tap->next < tap->queued || tap->gone || tap->cancelling)
		return;
	if (tap->direct && !tap->readable)
		return;
	tap->batch = tap->direct ? TAP_READS_MAX : next_batch(tap);
	tap->next = tap->seen = tap->turns = 0;
	tap->queued = tap->pending = tap->batch;
	for (uint32_t i = 0; i < tap->queued; i++)
		tap->reads[i].done = false;
	if (tap->direct)
		reads_do(tap);
	else
		reads_queue(tap);
}

/*
 * The interface is no more.  Not: nothing there, not now, not waited for, interrupted; nor does a
 * kernel that is short of memory say so: the next read may well find the frame.
 */
static bool read_is_lost(int res)
{
	switch (-res) {
	case EAGAIN:
	case ECANCELED:
	case EINTR:
	case EOPNOTSUPP:
	case ENOMEM:
	case ENOBUFS:
		return false;
	default:
		return res < 0;
	}
}

bool tapio_frame(struct tapio *tap, struct tap_frame *frame)
{
	for (; tap->next < tap->queued && tap->reads[tap->next].done; tap->next++) {
		int res = tap->reads[tap->next].res;

		if (res >= VNET_HEADER + ETH_HEADER) {
			frame->data = read_buffer(tap, tap->next) + VNET_HEADER;
			frame->len = (uint32_t)res - VNET_HEADER;
			memcpy(&frame->header, read_buffer(tap, tap->next), VNET_HEADER);
			return true;
		}
		if (read_is_lost(res))
			tap->gone = true;
	}
	return false;
}

bool tapio_peek(const struct tapio *tap)
{
	return tap->next < tap->queued && tap->reads[tap->next].done;
}

void tapio_taken(struct tapio *tap)
{
	tap->next++;
}

/* ---- writing ------------------------------------------------------------------------------ */

void tapio_write(struct tapio *tap, struct op *op, const struct iovec *iov, int count)
{
	struct io_uring_sqe *sqe;
	ssize_t n;

	if (tap->direct) {
		n = writev(tap->fd, iov, count);
		op->done(op, n < 0 ? -errno : (int)n, 0);
		return;
	}
	sqe = loop_sqe(tap->loop, op);
	if (count == 1)
		io_uring_prep_write(sqe, tap->fd, iov->iov_base, (unsigned int)iov->iov_len, 0);
	else
		io_uring_prep_writev(sqe, tap->fd, iov, (unsigned int)count, 0);
	io_uring_sqe_set_data(sqe, op);
}

/* ---- the end ------------------------------------------------------------------------------ */

/*
 * What is cancelled is the read that waits.  The next one of a chain then begins, and is cancelled
 * in turn; one that has not begun yet is not found, and tried again.
 */
void tapio_cancel(struct tapio *tap)
{
	struct io_uring_sqe *sqe;
	uint32_t i = 0;

	tap->cancelling = true;
	if (tap->pending == 0 || tap->direct || tap->cancel_sent)
		return;
	while (tap->reads[i].done)
		i++;
	tap->cancel_sent = true;
	sqe = loop_sqe(tap->loop, &tap->cancel);
	io_uring_prep_cancel(sqe, &tap->reads[i].op, 0);
	io_uring_sqe_set_data(sqe, &tap->cancel);
}

bool tapio_idle(const struct tapio *tap)
{
	return tap->pending == 0 && !tap->cancel_sent;
}

static const uint8_t tapio_ops[] = {
	IORING_OP_READ,
	IORING_OP_WRITE,
	IORING_OP_WRITEV,
	IORING_OP_ASYNC_CANCEL,
};

static const struct filter_rule tapio_uring_rules[] = {
	FILTER_INT(fcntl, 1, F_GETFL),
};

static const struct filter_rule tapio_rules[] = {
	FILTER_ALLOW(read),
	FILTER_ALLOW(writev),
};

const struct filter tapio_uring_filter = {FILTER_OPS(tapio_ops), FILTER_RULES(tapio_uring_rules),
					  .sqe_flags = IOSQE_IO_HARDLINK};
const struct filter tapio_direct_filter = {FILTER_RULES(tapio_rules)};
