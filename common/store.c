// SPDX-License-Identifier: MIT
/*
 * A thin layer over libxenstore: paths by format, numbers that are checked, transactions with a
 * bounded number of tries (a guest may write all day into the nodes that ours reads).
 *
 * libxenstore starts a reader thread with the first watch, which queues events without limit.  We
 * take all that is queued each time the descriptor is readable, before acting on any of it, and
 * whoever acts (device.c) merges them per device: so the queue is as long as what xenstored can
 * send while we make one turn (XSA-349).
 *
 * xenstored may go away.  Then `lost` is called once, xs is NULL, and each call fails.
 * libxenstore's thread ends silently when that happens, so a second connection, on which nothing is
 * ever said, is there to be closed by the daemon's end.
 */
#include "common/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenstore_lib.h>

#include "common/log.h"

enum {
	STORE_TRIES = 32
};

static void store_drop(struct store *store)
{
	loop_poll_del(store->loop, store->poll);
	loop_poll_del(store->loop, store->sentinel_poll);
	store->poll = store->sentinel_poll = NULL;
	if (store->sentinel >= 0)
		close(store->sentinel);
	store->sentinel = -1;
	xs_close(store->xs);
	store->xs = NULL;
	store->t = XBT_NULL;
}

/* xs_check_watch() gives nothing both when there is nothing and when the daemon is gone. */
static bool store_alive(struct store *store)
{
	unsigned int len;
	char *domid = xs_read(store->xs, XBT_NULL, "domid", &len);
	bool alive = domid || errno == ENOENT || errno == EACCES;

	free(domid);
	return alive;
}

static void store_ready(void *arg, int events)
{
	struct store *store = arg;
	bool any = false;
	char **event;

	(void)events;
	while ((event = xs_check_watch(store->xs))) {
		any = true;
		store->changed(store, event[XS_WATCH_PATH], event[XS_WATCH_TOKEN]);
		free(event);
	}
	if (!any && !store_alive(store)) {
		store_drop(store);
		store->lost(store);
	}
}

static void store_gone(void *arg, int events)
{
	struct store *store = arg;

	(void)events;
	store_drop(store);
	store->lost(store);
}

/* Where the store is no daemon of this host (a driver domain's xenbus) there is none to lose. */
static int sentinel_open(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	const char *path = xs_daemon_socket();
	int fd;

	if (!path || strlen(path) >= sizeof(sa.sun_path))
		return -1;
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int store_open(struct store *store, struct loop *loop)
{
	uint64_t domid = 0;

	store->loop = loop;
	store->t = XBT_NULL;
	store->xs = xs_open(0);
	if (!store->xs)
		return errno ? -errno : -ECONNREFUSED;
	/* A store that nobody has initialised yet is dom0's. */
	if (store_read_number(store, 0x7fef, &domid, "domid") == -EINVAL) {
		xs_close(store->xs);
		store->xs = NULL;
		return -EINVAL;
	}
	store->domid = (uint32_t)domid;
	store->poll = loop_poll_add(loop, xs_fileno(store->xs), store_ready, store);
	store->sentinel = sentinel_open();
	if (store->sentinel >= 0)
		store->sentinel_poll = loop_poll_add(loop, store->sentinel, store_gone, store);
	return 0;
}

void store_close(struct store *store)
{
	if (store->xs)
		store_drop(store);
}

int store_watch(struct store *store, const char *path, const char *token)
{
	if (!store->xs)
		return -ENOTCONN;
	return xs_watch(store->xs, path, token) ? 0 : -errno;
}

void store_unwatch(struct store *store, const char *path, const char *token)
{
	if (store->xs)
		xs_unwatch(store->xs, path, token);
}

/* ---- transactions ----------------------------------------------------------------------- */

void store_begin(struct store *store)
{
	store->t = store->xs ? xs_transaction_start(store->xs) : XBT_NULL;
}

bool store_commit(struct store *store, int *err, int *tries)
{
	xs_transaction_t t = store->t;
	bool failed = *err < 0;

	store->t = XBT_NULL;
	if (t == XBT_NULL) {
		*err = failed ? *err : -ENOTCONN;
		return false;
	}
	if (xs_transaction_end(store->xs, t, failed) || failed)
		return false;
	if (errno != EAGAIN) {
		*err = -errno;
		return false;
	}
	if (++*tries < STORE_TRIES)
		return true;
	*err = -EBUSY;
	return false;
}

/* ---- nodes ------------------------------------------------------------------------------ */

#define PATH_OF(path, fmt)                                                                         \
	do {                                                                                       \
		va_list ap;                                                                        \
		va_start(ap, fmt);                                                                 \
		vsnprintf(path, sizeof(path), fmt, ap);                                            \
		va_end(ap);                                                                        \
	} while (0)

static char *store_read_at(struct store *store, const char *path)
{
	unsigned int len;
	char *value;

	if (!store->xs) {
		errno = ENOTCONN;
		return NULL;
	}
	value = xs_read(store->xs, store->t, path, &len);
	/* A value with a NUL inside is not the text it seems to be. */
	if (value && strlen(value) != len) {
		free(value);
		errno = EINVAL;
		return NULL;
	}
	return value;
}

char *store_read(struct store *store, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];

	PATH_OF(path, fmt);
	return store_read_at(store, path);
}

int number_parse(const char *text, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned int digit = (unsigned int)*text - '0';

		if (digit > 9 || digit > max || n > (max - digit) / 10)
			return -EINVAL;
		n = n * 10 + digit;
	}
	*value = n;
	return 0;
}

int size_parse(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	size_t len = strlen(text);
	const char *unit = len > 0 ? strchr(units, text[len - 1]) : NULL;
	int shift = unit ? 10 * (int)(unit - units + 1) : 0;
	char digits[24];
	uint64_t n;

	len -= unit != NULL;
	if (len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (number_parse(digits, (uint64_t)INT64_MAX >> shift, &n) < 0)
		return -EINVAL;
	*bytes = n << shift;
	return 0;
}

int store_read_number(struct store *store, uint64_t max, uint64_t *value, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];
	char *text;
	int err;

	PATH_OF(path, fmt);
	text = store_read_at(store, path);
	if (!text)
		return -errno;
	err = number_parse(text, max, value);
	free(text);
	return err;
}

bool store_exists(struct store *store, const char *fmt, ...)
{
	char path[STORE_PATH_MAX];
	char *value;

	PATH_OF(path, fmt);
	value = store_read_at(store, path);
	free(value);
	return value != NULL || errno == EINVAL;
}

int store_write(struct store *store, const char *dir, const char *key, const char *fmt, ...)
{
	char path[STORE_PATH_MAX], value[1024];
	int len;

	if (!store->xs)
		return -ENOTCONN;
	snprintf(path, sizeof(path), "%s/%s", dir, key);
	PATH_OF(value, fmt);
	len = (int)strlen(value);
	return xs_write(store->xs, store->t, path, value, (unsigned int)len) ? 0 : -errno;
}

void store_remove(struct store *store, const char *path)
{
	if (store->xs)
		xs_rm(store->xs, store->t, path);
}

char **store_list(struct store *store, const char *path, unsigned int *count)
{
	*count = 0;
	return store->xs ? xs_directory(store->xs, store->t, path, count) : NULL;
}
