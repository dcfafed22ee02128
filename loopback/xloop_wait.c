// SPDX-License-Identifier: MIT
/*
 * Waiting for a backend as libxl's devstate does: a watch on the state node, and success only when
 * it reads exactly the wanted number.  A backend that passes by the number unseen has not been
 * seen.
 *
 * Uses the connection's watches: one waiter per process, and no other watch may be open meanwhile.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "loopback/xloop.h"

#define WAIT_TOKEN "xloop-wait"

int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* The number PATH reads; -ENOENT when it is gone, 0 when it is no number. */
static int state_read(struct host *h, const char *path)
{
	char *value = xs_read(h->xs, XBT_NULL, path, NULL);
	int state = value ? atoi(value) : -errno;

	free(value);
	return state;
}

static int wait_loop(struct host *h, const char *path, int want, int64_t deadline, int *last)
{
	struct pollfd pfd = {.fd = xs_fileno(h->xs), .events = POLLIN};
	char **event;

	for (;;) {
		*last = state_read(h, path);
		if (*last == want)
			return 0;
		if (*last == -ENOENT)
			return -ENOENT;
		int64_t left = deadline - clock_ms();

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&pfd, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
		while ((event = xs_check_watch(h->xs)))
			free(event);
		if (errno != EAGAIN)
			return -errno;
	}
}

int wait_state(struct host *h, const char *path, int want, int timeout_ms, int *last)
{
	int64_t deadline = clock_ms() + timeout_ms;
	char **event;
	int rc;

	if (!xs_watch(h->xs, path, WAIT_TOKEN))
		return -errno;
	rc = wait_loop(h, path, want, deadline, last);
	xs_unwatch(h->xs, path, WAIT_TOKEN);
	/* The next waiter must not wake for this one's events. */
	while ((event = xs_check_watch(h->xs)))
		free(event);
	return rc;
}
