/* SPDX-License-Identifier: MIT */
/*
 * Where `make crash` ends a worker: before each store to memory that outlives it, and before each
 * notification.  In any other build there is nothing here.  See crash.c.
 */
#ifndef COMMON_CRASH_H
#define COMMON_CRASH_H

#ifdef CRASH_POINTS
/* Reads which store is to be the last one.  Before the sandbox closes. */
void crash_open(void);
void crash_point(void);
extern const struct filter crash_filter;
#else
static inline void crash_open(void)
{
}

static inline void crash_point(void)
{
}
#endif

#endif
