/* SPDX-License-Identifier: MIT */
/*
 * A test that is run with a loop on an io_uring, and again with one on an epoll.  The file that
 * includes this has `setup(state, way)` and `teardown(state)`.
 */
#ifndef TESTS_UNIT_BOTHWAYS_H
#define TESTS_UNIT_BOTHWAYS_H

#include "common/loop.h"

static int setup(void **state, enum loop_way way);

static int setup_uring(void **state)
{
	return setup(state, LOOP_URING);
}

static int setup_epoll(void **state)
{
	return setup(state, LOOP_EPOLL);
}

/* clang-format off */
#define BOTH(test)                                                                                 \
	{#test ": io_uring", test, setup_uring, teardown, NULL},                                   \
	{#test ": epoll", test, setup_epoll, teardown, NULL}
/* clang-format on */

#endif
