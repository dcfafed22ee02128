// SPDX-License-Identifier: MIT
/*
 * What a device reads and writes of its own backend directory: its state, its error, its
 * toolstack's nodes.
 *
 * Writes of our state are made in a transaction that reads it first: a directory that the toolstack
 * removed is never made again by a late write of ours.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus.h"
#include "common/sup.h"

/* ---- writing states --------------------------------------------------------------------- */

/*
 * A toolstack makes a device at state 1 and unplugs it by 5 or 6; the states in between are its
 * backend's alone.  At our start they may be those of the supervisor before us; and once we are
 * connected nobody else can be.
 */
bool device_is_foreign(const struct device *device, int state)
{
	if (device->connected)
		return false;
	if (device->wrote == 0 && device->found)
		return state == XenbusStateInitialised;
	return state >= XenbusStateInitWait && state <= XenbusStateConnected &&
	       state != device->wrote && device->wrote != XenbusStateConnected;
}

/* ---- a store that refuses --------------------------------------------------------------- */

enum {
	REST_MS = 1000
};

static void device_rested(void *arg)
{
	struct device *device = arg;

	device->rest = NULL;
	device->dirty = true;
}

void device_rest(struct device *device, const char *what, int err)
{
	log_guest(&device->limit, "%s %u of guest %u: can't %s: %s", device->kind, device->devid,
		  device->guest->domid, what,
		  err == -ENOSPC || err == -E2BIG
			  ? "this domain's quota in xenstored is used up; raise it, or detach disks"
			  : strerror(-err));
	if (!device->rest)
		device->rest = loop_timer_add(&device->sup->loop, REST_MS, device_rested, device);
}

static int device_write_state(struct device *device, int state, int (*nodes)(struct device *),
			      bool always)
{
	struct store *store = &device->sup->store;
	bool moved = false;
	int tries = 0, err;
	char what[48];

	do {
		char *now;

		store_begin(store);
		now = store_read(store, "%s/state", device->path);
		err = now ? 0 : -errno;
		if (err == 0 && device_is_foreign(device, bus_state(now)))
			err = -EALREADY;
		if (err == 0 && nodes)
			err = nodes(device);
		moved = bus_state(now) != state;
		if (err == 0 && (moved || always))
			err = store_write(store, device->path, "state", "%d", state);
		free(now);
	} while (store_commit(store, &err, &tries));
	if (err == 0) {
		device->wrote = state;
		if (moved)
			log_debug("%s: state %d (%s)", device->path, state, bus_state_name(state));
	} else if (err != -ENOENT && err != -EALREADY && store->xs) {
		snprintf(what, sizeof(what), "go to state %d (%s)", state, bus_state_name(state));
		device_rest(device, what, err);
	}
	return err;
}

int device_switch(struct device *device, int state, int (*nodes)(struct device *))
{
	return device_write_state(device, state, nodes, false);
}

int device_announce(struct device *device, int state, int (*nodes)(struct device *))
{
	return device_write_state(device, state, nodes, true);
}

/* One clear sentence to the log and to the store, where Linux' xenbus_dev_fatal() puts it. */
void device_error(struct device *device, int err, const char *fmt, ...)
{
	char dir[STORE_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(device->error, sizeof(device->error), fmt, ap);
	va_end(ap);
	log_guest(&device->limit, "%s %u of guest %u: %s", device->kind, device->devid,
		  device->guest->domid, device->error);
	snprintf(dir, sizeof(dir), "/local/domain/%u/error/backend/%s/%u/%u",
		 device->sup->store.domid, device->kind, device->guest->domid, device->devid);
	store_write(&device->sup->store, dir, "error", "%d %s", err < 0 ? -err : err,
		    device->error);
}

void device_clear_error(struct device *device)
{
	char path[STORE_PATH_MAX];

	snprintf(path, sizeof(path), "/local/domain/%u/error/backend/%s/%u/%u",
		 device->sup->store.domid, device->kind, device->guest->domid, device->devid);
	device->error[0] = '\0';
	store_remove(&device->sup->store, path);
}

/* The toolstack's nodes must name the device that the path names (XSA-175). */
bool device_is_itself(struct device *device)
{
	struct store *store = &device->sup->store;
	char *frontend = store_read(store, "%s/frontend", device->path);
	uint64_t domid = UINT64_MAX;
	bool same;

	store_read_number(store, UINT16_MAX, &domid, "%s/frontend-id", device->path);
	same = frontend && strcmp(frontend, device->frontend) == 0 && domid == device->guest->domid;
	free(frontend);
	return same;
}

enum device_script device_script(struct device *device)
{
	char *script = store_read(&device->sup->store, "%s/script", device->path);
	const char *slash = script ? strrchr(script, '/') : NULL;
	const char *base = slash ? slash + 1 : script;
	const char *own = device->sup->backend->script;
	bool ours = base && own && strcmp(base, own) == 0;

	free(script);
	return !base ? SCRIPT_NONE : ours ? SCRIPT_OURS : SCRIPT_OTHER;
}

bool device_hotplug_is(struct device *device, const char *status)
{
	char *now = store_read(&device->sup->store, "%s/hotplug-status", device->path);
	bool is = now && strcmp(now, status) == 0;

	free(now);
	return is;
}
