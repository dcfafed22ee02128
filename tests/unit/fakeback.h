/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_FAKEBACK_H
#define TESTS_UNIT_FAKEBACK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "loopback/blkfront_priv.h"

/*
 * A frontend whose rings and pages are plain memory, with the test as its backend: what fits into
 * a unit test of blkfront_req.c and blkfront_ring.c.  No store, no event channels.
 */

#define PAGES 64

extern struct blkfront *bf;
extern struct blkfront_queue *q; /* bf's first queue */
extern int done_count, done_err; /* by request()'s done() */

/* Grants: data pages 1000, 1001.., indirect pages 50000, 50001.. */
void front_make(bool abi32, unsigned int order, unsigned int buffers, unsigned int bounces);

/* As above, and what was negotiated: @indirect segments (0 or more than 11) and @queues. */
void front_make_long(bool abi32, unsigned int order, unsigned int buffers, unsigned int bounces,
		     unsigned int indirect, unsigned int queues);
int front_free(void **state); /* a test's teardown */

struct blkfront_req request(uint8_t op, uint64_t sector, uint64_t sectors, void *buf);

/* The backend's view of request @idx, in the native layout. */
blkif_request_t seen(RING_IDX idx);
void answer(uint64_t id, uint8_t operation, int16_t status);

#endif
