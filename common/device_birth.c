// SPDX-License-Identifier: MIT
/*
 * Devices, as the store's paths name them: made when the toolstack makes their directories, watched
 * where their frontends write, freed when they are gone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sup.h"

/* "/local/domain/0/backend/vbd/7/51712[/...]": strict decimal numbers, no alias of a device. */
static int path_parse(const struct sup *sup, const char *path, const char **kind, uint64_t *domid,
		      uint64_t *devid)
{
	char prefix[64], text[DEVICE_PATH_MAX], *at, *slash;
	int len = snprintf(prefix, sizeof(prefix), "/local/domain/%u/backend/", sup->store.domid);

	if (strncmp(path, prefix, (size_t)len) != 0)
		return -EINVAL;
	snprintf(text, sizeof(text), "%s", path + len);
	at = text;
	slash = strchr(at, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	*kind = NULL;
	for (int i = 0; i < SUP_KINDS_MAX && sup->kinds[i]; i++)
		if (strcmp(sup->kinds[i], at) == 0)
			*kind = sup->kinds[i];
	at = slash + 1;
	slash = strchr(at, '/');
	if (!*kind || !slash)
		return -EINVAL;
	*slash = '\0';
	if (number_parse(at, 0x7fef, domid) < 0 || (at[0] == '0' && at[1]))
		return -EINVAL;
	at = slash + 1;
	slash = strchr(at, '/');
	if (slash)
		*slash = '\0';
	return at[0] == '0' && at[1] ? -EINVAL
				     : number_parse(at, device_devid_max(sup->backend), devid);
}

struct device *device_get(struct sup *sup, const char *path)
{
	struct device *device;
	uint64_t domid, devid;
	const char *kind;

	if (path_parse(sup, path, &kind, &domid, &devid) < 0)
		return NULL;
	for (device = sup->devices; device; device = device->next)
		if (device->devid == devid && device->guest->domid == domid &&
		    device->kind == kind && !device->forgotten)
			return device;
	device = calloc(1, sizeof(*device));
	if (!device)
		log_panic("out of memory");
	device->sup = sup;
	device->kind = kind;
	device->devid = (uint32_t)devid;
	device->number = device_number_of(sup->backend, kind, device->devid);
	device->journal_fd = -1;
	device->guest = guest_get(sup, (uint16_t)domid);
	device->guest->devices++;
	snprintf(device->path, sizeof(device->path), "/local/domain/%u/backend/%s/%u/%u",
		 sup->store.domid, kind, (unsigned int)domid, device->devid);
	/* Not what the `frontend` node says: a frontend is where its kind and number put it. */
	snprintf(device->frontend, sizeof(device->frontend), "/local/domain/%u/device/%s/%u",
		 (unsigned int)domid, sup->backend->frontend ? sup->backend->frontend : kind,
		 device->devid);
	device->next = sup->devices;
	sup->devices = device;
	return device;
}

void device_free(struct device *device)
{
	struct sup *sup = device->sup;
	char path[STORE_PATH_MAX];

	for (struct device **p = &sup->devices; *p; p = &(*p)->next)
		if (*p == device) {
			*p = device->next;
			break;
		}
	if (sup->step_next == device)
		sup->step_next = device->next;
	sup->backend->release(device);
	loop_timer_del(&sup->loop, device->wait);
	loop_timer_del(&sup->loop, device->rest);
	device_resume_drop(device);
	snprintf(path, sizeof(path), "%s/state", device->frontend);
	if (device->watched)
		store_unwatch(&sup->store, path, device->path);
	if (device->watched && sup->backend->tuned_by) {
		snprintf(path, sizeof(path), "%s/%s", device->frontend, sup->backend->tuned_by);
		store_unwatch(&sup->store, path, device->path);
	}
	if (!sup->stopping)
		device_clear_error(device);
	guest_put(device->guest);
	free(device);
}

/* The watch's token is our path: its events come back as changes of the device. */
void device_watch(struct device *device)
{
	char path[STORE_PATH_MAX];
	int err;

	if (device->watched)
		return;
	snprintf(path, sizeof(path), "%s/state", device->frontend);
	device->watch_fired = false;
	err = store_watch(&device->sup->store, path, device->path);
	device->watched = err == 0;
	if (err == 0 && device->sup->backend->tuned_by) {
		snprintf(path, sizeof(path), "%s/%s", device->frontend,
			 device->sup->backend->tuned_by);
		err = store_watch(&device->sup->store, path, device->path);
	}
	if (err < 0 && device->sup->store.xs) /* then it is looked at now and then */
		device_rest(device, "watch its frontend", err);
}

void device_frontend_changed(struct device *device)
{
	device->dirty = true;
	if (device->watch_fired)
		device->refused = false;
	device->watch_fired = true;
}
