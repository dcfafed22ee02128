// SPDX-License-Identifier: MIT
/*
 * A guest's side of xenbus, for any kind of frontend, on stock Xen libraries only: a program made
 * from this would run in a real domU as well.
 *
 * It owns the two library handles and one watch per device.  State changes and keys are written
 * in one transaction that first reads the device's own `state`, so that a directory which the
 * toolstack has removed is never made again.  Waiting is always for the backend's state, by watch
 * and timeout.
 *
 * It must never write below the backend's directory.  A configuration is there; in the frontend's
 * own directory stand only what it wrote itself and the few things that the toolstack puts there,
 * such as a NIC's address.
 */
#include "loopback/guest.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int guest_open(struct guest *g)
{
	const char *what = "the store (is XENSTORED_PATH right, or /dev/xen/xenbus there?)";

	memset(g, 0, sizeof(*g));
	g->xs = xs_open(0);
	if (g->xs) {
		what = "the grant allocator (on real Xen: is xen-gntalloc loaded?)";
		g->gntshr = xengntshr_open(NULL, 0);
	}
	if (!g->gntshr) {
		int err = errno ? -errno : -EIO;

		fprintf(stderr, "cannot open %s: %s\n", what, strerror(-err));
		guest_close(g);
		return err;
	}
	return 0;
}

void guest_close(struct guest *g)
{
	if (g->gntshr)
		xengntshr_close(g->gntshr);
	if (g->xs)
		xs_close(g->xs);
	memset(g, 0, sizeof(*g));
}

/* ---- reading ------------------------------------------------------------------------------ */

static char *dir_read(struct xs_handle *xs, xs_transaction_t t, const char *dir, const char *key)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	return xs_read(xs, t, path, NULL);
}

static bool number_parse(const char *s, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno;
}

static uint64_t dir_number(struct xs_handle *xs, const char *dir, const char *key, uint64_t absent)
{
	char *s = dir_read(xs, XBT_NULL, dir, key);
	uint64_t value;

	if (!s || !number_parse(s, &value))
		value = absent;
	free(s);
	return value;
}

uint64_t front_read(const struct front *f, const char *key, uint64_t absent)
{
	return dir_number(f->guest->xs, f->backend, key, absent);
}

char *front_read_string(const struct front *f, const char *key)
{
	return dir_read(f->guest->xs, XBT_NULL, f->backend, key);
}

char *front_read_own(const struct front *f, const char *key)
{
	return dir_read(f->guest->xs, XBT_NULL, f->path, key);
}

enum xenbus_state front_state(const struct front *f)
{
	return (enum xenbus_state)dir_number(f->guest->xs, f->path, "state", XenbusStateUnknown);
}

enum xenbus_state front_backend_state(const struct front *f)
{
	uint64_t state = front_read(f, "state", XenbusStateUnknown);

	return state <= XenbusStateReconfigured ? (enum xenbus_state)state : XenbusStateUnknown;
}

static int compare_unsigned(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return x < y ? -1 : x > y;
}

int front_list(struct guest *g, const char *kind, unsigned int *devid, int max)
{
	unsigned int n;
	char path[64];
	char **names;
	int count = 0;

	snprintf(path, sizeof(path), "device/%s", kind);
	names = xs_directory(g->xs, XBT_NULL, path, &n);
	if (!names)
		return errno == ENOENT ? 0 : -errno;
	for (unsigned int i = 0; i < n && count < max; i++) {
		uint64_t v;

		if (number_parse(names[i], &v) && v <= UINT32_MAX)
			devid[count++] = (unsigned int)v;
	}
	free(names);
	qsort(devid, (size_t)count, sizeof(*devid), compare_unsigned);
	return count;
}

/* ---- finding ------------------------------------------------------------------------------ */

int front_open(struct front *f, struct guest *g, const char *kind, unsigned int devid)
{
	uint64_t id;
	char *be;

	memset(f, 0, sizeof(*f));
	f->guest = g;
	f->devid = devid;
	snprintf(f->path, sizeof(f->path), "device/%s/%u", kind, devid);
	be = dir_read(g->xs, XBT_NULL, f->path, "backend");
	id = dir_number(g->xs, f->path, "backend-id", UINT64_MAX);
	if (!be || strlen(be) >= sizeof(f->backend) || id >= DOMID_FIRST_RESERVED) {
		free(be);
		return -ENOENT;
	}
	strcpy(f->backend, be);
	free(be);
	f->backend_id = (uint32_t)id;

	char path[192];

	snprintf(path, sizeof(path), "%s/state", f->backend);
	if (!xs_watch(g->xs, path, f->path))
		return -errno;
	f->watching = true;
	return 0;
}

void front_close(struct front *f)
{
	char path[192];

	if (!f->watching)
		return;
	snprintf(path, sizeof(path), "%s/state", f->backend);
	xs_unwatch(f->guest->xs, path, f->path);
	f->watching = false;
}

/* ---- writing ------------------------------------------------------------------------------ */

static bool is_stale(const char *name, const char *const *stale)
{
	for (; stale && *stale; stale++)
		if (!strncmp(name, *stale, strlen(*stale)))
			return true;
	return false;
}

static bool stale_remove(struct front *f, xs_transaction_t t, const char *const *stale)
{
	struct xs_handle *xs = f->guest->xs;
	char path[320];
	unsigned int n;
	char **names;
	bool ok = true;

	if (!stale)
		return true;
	names = xs_directory(xs, t, f->path, &n);
	if (!names)
		return false;
	for (unsigned int i = 0; i < n && ok; i++) {
		if (!is_stale(names[i], stale))
			continue;
		snprintf(path, sizeof(path), "%s/%s", f->path, names[i]);
		ok = xs_rm(xs, t, path);
	}
	free(names);
	return ok;
}

static bool key_write(struct front *f, xs_transaction_t t, const char *key, const char *value)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/%s", f->path, key);
	if (value)
		return xs_write(f->guest->xs, t, path, value, (unsigned int)strlen(value));
	return xs_rm(f->guest->xs, t, path) || errno == ENOENT;
}

static bool publish_in(struct front *f, xs_transaction_t t, const char *const *stale,
		       const struct front_key *keys, size_t n, enum xenbus_state state)
{
	char *old = dir_read(f->guest->xs, t, f->path, "state");
	bool same, ok;
	char now[16];

	if (!old)
		return false; /* the directory was removed: must not be made again */
	snprintf(now, sizeof(now), "%d", state);
	same = !strcmp(old, now);
	free(old);
	ok = stale_remove(f, t, stale);
	for (size_t i = 0; i < n && ok; i++)
		ok = key_write(f, t, keys[i].key, keys[i].value);
	return ok && (same || key_write(f, t, "state", now));
}

int front_publish(struct front *f, const char *const *stale, const struct front_key *keys, size_t n,
		  enum xenbus_state state)
{
	struct xs_handle *xs = f->guest->xs;

	for (;;) {
		xs_transaction_t t = xs_transaction_start(xs);

		if (t == XBT_NULL)
			return -errno;
		if (!publish_in(f, t, stale, keys, n, state)) {
			int err = -errno;

			xs_transaction_end(xs, t, true);
			return err;
		}
		if (xs_transaction_end(xs, t, false))
			return 0;
		if (errno != EAGAIN)
			return -errno;
	}
}

int front_switch(struct front *f, enum xenbus_state state)
{
	return front_publish(f, NULL, NULL, 0, state);
}

/* ---- waiting ------------------------------------------------------------------------------ */

int front_fd(const struct front *f)
{
	return xs_fileno(f->guest->xs);
}

void front_drain(struct front *f)
{
	char **event;

	while ((event = xs_check_watch(f->guest->xs)))
		free(event);
}

int front_wait(struct front *f, unsigned int set, int timeout_ms)
{
	int64_t end = clock_ms() + timeout_ms;

	for (;;) {
		struct pollfd pfd = {.fd = front_fd(f), .events = POLLIN};
		enum xenbus_state state;
		int64_t left;

		front_drain(f);
		state = front_backend_state(f);
		if (set & FRONT_STATE(state))
			return (int)state;
		left = timeout_ms < 0 ? -1 : end - clock_ms();
		if (timeout_ms >= 0 && left <= 0)
			return -ETIMEDOUT;
		if (poll(&pfd, 1, (int)left) < 0)
			return -errno;
	}
}

/* ---- the dances --------------------------------------------------------------------------- */

static int switch_and_wait(struct front *f, enum xenbus_state state, unsigned int set,
			   int timeout_ms)
{
	int err = front_switch(f, state);

	return err ? err : front_wait(f, set | FRONT_GONE, timeout_ms);
}

int front_shutdown(struct front *f, int timeout_ms)
{
	unsigned int closed = FRONT_STATE(XenbusStateClosed);
	int first = switch_and_wait(f, XenbusStateClosing, closed | FRONT_STATE(XenbusStateClosing),
				    timeout_ms);
	int second = switch_and_wait(f, XenbusStateClosed, closed, timeout_ms);

	if (first < 0)
		return first;
	return second < 0 ? second : 0;
}

/* Is an end in use, or on its way out? */
static bool is_busy(enum xenbus_state state)
{
	return state >= XenbusStateInitialised && state <= XenbusStateClosing;
}

int front_reset(struct front *f, int timeout_ms)
{
	const struct front_key again = {"state", "1"};
	int err;

	if (is_busy(front_backend_state(f)) || is_busy(front_state(f))) {
		err = front_shutdown(f, timeout_ms);
		if (err)
			return err;
	}
	/* Written even if it is 1 already: a backend that refused us tries again. */
	err = front_publish(f, NULL, &again, 1, XenbusStateInitialising);
	if (err)
		return err;
	err = front_wait(f, FRONT_STATE(XenbusStateInitWait) | FRONT_GONE, timeout_ms);
	if (err < 0)
		return err;
	return err == XenbusStateInitWait ? 0 : -ENODEV;
}
