/* SPDX-License-Identifier: MIT */
/* I/O by libaio, for loops that have no io_uring (LOOP_EPOLL).  See aio.c. */
#ifndef COMMON_AIO_H
#define COMMON_AIO_H

#include <libaio.h>
#include <stdbool.h>

#include "common/loop.h"

/* One I/O.  The caller fills iocb by io_prep_*(); the rest is aio.c's. */
struct aio_op {
	struct op op; /* first */
	struct aio_op *next;
	struct iocb iocb;
	long res;
};

struct aio;

/*
 * Gives the loop what it needs for aio_queue(); fine if it has it.  0 or -errno; tries once and
 * says itself why it can't.
 */
int aio_open(struct loop *loop);

/*
 * The turn submits it; op.done() gets the bytes moved, or -errno.  `inside` says that it completes
 * before its submission returns, as reads and writes through the page cache do: then it need not
 * wake the loop.
 */
void aio_queue(struct loop *loop, struct aio_op *op, bool inside);

/* ---- for loop_epoll.c ------------------------------------------------------------------- */

void aio_close(struct loop *loop);
/* Hands what is queued to the kernel, by one system call if there are not too many. */
void aio_submit(struct aio *aio);
/* Has something completed?  No system call. */
bool aio_peek(const struct aio *aio);
/* Runs the completions that are there; false if there is none.  No system call. */
bool aio_reap(struct aio *aio);
/* Until `n` have completed, for `ns` nanoseconds at most, and not at all for fewer. */
void aio_wait(struct aio *aio, unsigned int n, long ns);

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter aio_filter;

#endif
