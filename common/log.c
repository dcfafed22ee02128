// SPDX-License-Identifier: MIT
/*
 * Log lines go to stderr, one write each, so that lines of the supervisor and of its workers never
 * mix; whoever starts the daemon (systemd, a shell) decides where stderr leads.  A worker inherits
 * it: it has no path and no socket of its own to log to.
 *
 * The level words follow sd-daemon(3): a line to the journal starts with "<N>".
 */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/filter.h"

static const char *log_name = "halfback";
static bool log_verbose;
static bool log_to_journal;

void log_open(const char *name, bool verbose)
{
	log_name = name;
	log_verbose = verbose;
	log_to_journal = getenv("JOURNAL_STREAM") != NULL;
}

static void log_line(int level, const char *word, const char *fmt, va_list ap)
{
	char line[1024];
	size_t len = 0, room = sizeof(line) - 1;

	if (log_to_journal)
		len += (size_t)snprintf(line, room, "<%d>", level);
	len += (size_t)snprintf(line + len, room - len, "%s: %s", log_name, word);
	len += (size_t)vsnprintf(line + len, room - len, fmt, ap);
	if (len > room - 1)
		len = room - 1;
	/* A guest or a store may have put control characters into a name: one line stays one line.
	 */
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return; /* nobody to tell */
}

#define LOG_AT(level, word)                                                                        \
	do {                                                                                       \
		va_list ap;                                                                        \
		va_start(ap, fmt);                                                                 \
		log_line(level, word, fmt, ap);                                                    \
		va_end(ap);                                                                        \
	} while (0)

void log_info(const char *fmt, ...)
{
	LOG_AT(6, "");
}

void log_debug(const char *fmt, ...)
{
	if (log_verbose)
		LOG_AT(7, "");
}

void log_warn(const char *fmt, ...)
{
	LOG_AT(4, "warning: ");
}

void log_error(const char *fmt, ...)
{
	LOG_AT(3, "error: ");
}

void log_panic(const char *fmt, ...)
{
	LOG_AT(2, "panic: ");
	abort();
}

bool log_limit_pass(struct log_limit *limit, uint64_t now_ms, uint32_t *held)
{
	uint64_t refills = (now_ms - limit->refill_ms) / LOG_REFILL_MS;

	if (refills > 0) {
		limit->used = refills >= limit->used ? 0 : limit->used - (uint32_t)refills;
		limit->refill_ms = now_ms;
	}
	if (limit->used >= LOG_BURST) {
		limit->held++;
		return false;
	}
	limit->used++;
	*held = limit->held;
	limit->held = 0;
	return true;
}

void log_guest(struct log_limit *limit, const char *fmt, ...)
{
	struct timespec ts;
	char word[64] = "warning: ";
	uint32_t held = 0;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (!log_limit_pass(limit, (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000,
			    &held))
		return;
	if (held > 0)
		snprintf(word, sizeof(word), "warning: (%u like it not shown) ", held);
	LOG_AT(4, word);
}

static const struct filter_rule log_rules[] = {FILTER_ALLOW(write)};

const struct filter log_filter = {FILTER_RULES(log_rules)};
