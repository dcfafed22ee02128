/* SPDX-License-Identifier: MIT */
/* Log lines, by blame: who has to act on it.  See log.c. */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A budget of lines for one thing that a guest can cause at will (XSA-180).  Zero-initialised it
 * allows LOG_BURST lines, then one per LOG_REFILL_MS; what is held back is counted and told with
 * the next line that passes.  Owned by the device that it guards.
 */
struct log_limit {
	uint64_t refill_ms;
	uint32_t used;
	uint32_t held;
};

enum {
	LOG_BURST = 5,
	LOG_REFILL_MS = 10000
};

/* Names the process in each line ("blkback", "blkback: dom 7"); `name` must stay valid. */
void log_open(const char *name, bool verbose);

/* What happened and needs nobody. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Details, with -v only. */
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The guest, the store or the admin did something wrong; we go on. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* We can't do something we should do; we go on without it. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* log_warn() within a budget. */
void log_guest(struct log_limit *limit, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* An invariant of ours is broken: says so and aborts the process. */
void log_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* True if a line may pass at `now_ms`; sets *held to the lines held back before it. Pure but for
 * *limit. */
bool log_limit_pass(struct log_limit *limit, uint64_t now_ms, uint32_t *held);

/* What it asks of the kernel when it is confined: filter.h. */
extern const struct filter log_filter;

#endif
