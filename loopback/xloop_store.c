// SPDX-License-Identifier: MIT
/*
 * Store helpers of xloop: paths made by printf, permissions, removal with empty parents, and the
 * transaction loop.
 *
 * A path that does not fit PATH_MAX is an error, never a shorter path.  Nothing here prints.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback/xloop.h"

static int path_vprintf(char path[PATH_MAX], const char *fmt, va_list ap)
{
	int n = vsnprintf(path, PATH_MAX, fmt, ap);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

char *store_read(struct host *h, xs_transaction_t t, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = path_vprintf(path, fmt, ap);
	va_end(ap);
	if (rc) {
		errno = -rc;
		return NULL;
	}
	return xs_read(h->xs, t, path, NULL);
}

int store_write(struct host *h, xs_transaction_t t, const char *value, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = path_vprintf(path, fmt, ap);
	va_end(ap);
	if (rc)
		return rc;
	return xs_write(h->xs, t, path, value, (unsigned int)strlen(value)) ? 0 : -errno;
}

int store_rm(struct host *h, xs_transaction_t t, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = path_vprintf(path, fmt, ap);
	va_end(ap);
	if (rc)
		return rc;
	return xs_rm(h->xs, t, path) || errno == ENOENT ? 0 : -errno;
}

int store_mknod(struct host *h, xs_transaction_t t, const struct xs_permissions *perms,
		unsigned int n, const char *fmt, ...)
{
	struct xs_permissions copy[2];
	char path[PATH_MAX];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = path_vprintf(path, fmt, ap);
	va_end(ap);
	if (rc)
		return rc;
	memcpy(copy, perms, n * sizeof(*perms));
	if (!xs_mkdir(h->xs, t, path) || !xs_set_permissions(h->xs, t, path, copy, n))
		return -errno;
	return 0;
}

/* True when PATH has no value and no children, so that its removal loses nothing. */
static bool node_is_empty(struct host *h, xs_transaction_t t, const char *path)
{
	unsigned int n = 0, len = 0;
	char *value = xs_read(h->xs, t, path, &len);
	char **names = xs_directory(h->xs, t, path, &n);
	bool empty = value && len == 0 && names && n == 0;

	free(value);
	free(names);
	return empty;
}

int store_cleanup(struct host *h, xs_transaction_t t, const char *fmt, ...)
{
	char path[PATH_MAX], *slash;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = path_vprintf(path, fmt, ap);
	va_end(ap);
	if (rc)
		return rc;
	if (!xs_rm(h->xs, t, path) && errno != ENOENT)
		return -errno;
	while ((slash = strrchr(path, '/')) && slash != path) {
		*slash = '\0';
		if (!node_is_empty(h, t, path))
			break;
		if (!xs_rm(h->xs, t, path) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

int store_transact(struct host *h, int (*fn)(struct host *, xs_transaction_t, void *), void *arg)
{
	xs_transaction_t t;
	int rc;

	for (;;) {
		t = xs_transaction_start(h->xs);
		if (t == XBT_NULL)
			return -errno;
		rc = fn(h, t, arg);
		if (rc) {
			xs_transaction_end(h->xs, t, true);
			return rc;
		}
		if (xs_transaction_end(h->xs, t, false))
			return 0;
		if (errno != EAGAIN)
			return -errno;
	}
}
