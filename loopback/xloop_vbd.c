// SPDX-License-Identifier: MIT
/*
 * A disk as a device: its nodes as libxl 4.17's device_disk_add() writes them, and its hotplug
 * script.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback/xloop.h"

static struct device vbd_device(int domid, int devid, const char *vdev, bool qdisk)
{
	struct device d = {.domid = domid,
			   .devid = devid,
			   .type = "vbd",
			   .kind = qdisk ? "qdisk" : "vbd",
			   .server = "blkback"};

	if (vdev)
		snprintf(d.name, sizeof(d.name), "disk %.32s", vdev);
	else
		snprintf(d.name, sizeof(d.name), "disk %d", devid);
	return d;
}

int vbd_add_nodes(struct host *h, int domid, const struct vbd *v)
{
	struct device d = vbd_device(domid, v->devid, v->vdev, v->qdisk);
	char *type = store_read(h, XBT_NULL, "/libxl/%d/type", domid);
	char devid[16], id[16], params[PATH_MAX + 8];
	const struct node front[] = {
		{"virtual-device", devid},
		{"device-type", v->cdrom ? "cdrom" : "disk"},
		{"trusted", v->trusted ? "1" : "0"},
		/* Old PV kernels rely on the toolstack for this one. */
		{"protocol", type && !strcmp(type, "pv") ? "x86_64-abi" : NULL},
		{NULL, NULL},
	};
	const struct node back[] = {
		{"params", params},
		{"script", v->qdisk ? NULL : v->script},
		{"frontend-id", id},
		{"online", "1"},
		{"removable", v->removable ? "1" : "0"},
		{"bootable", "1"},
		{"state", "1"},
		{"dev", v->vdev},
		{"type", v->qdisk ? "qdisk" : "phy"},
		{"mode", v->writable ? "w" : "r"},
		{"device-type", v->cdrom ? "cdrom" : "disk"},
		{"direct-io-safe", v->direct_io_safe ? "1" : NULL},
		{"discard-enable", v->discard ? "1" : "0"},
		{"specification", "xen"},
		{NULL, NULL},
	};
	int rc;

	snprintf(devid, sizeof(devid), "%d", v->devid);
	snprintf(id, sizeof(id), "%d", domid);
	/* libxl calls the raw format aio. */
	snprintf(params, sizeof(params), "%s%s", v->qdisk ? "aio:" : "", v->target);
	d.front = front;
	d.back = back;
	rc = device_add(h, &d);
	free(type);
	return rc;
}

int vbd_attach(struct host *h, int domid, const struct vbd *v)
{
	struct device d = vbd_device(domid, v->devid, v->vdev, v->qdisk);
	int rc;

	/* As libxl: QEMU starts after the disks, so nobody could wait for it here. */
	if (v->qdisk)
		return 0;
	rc = device_offered(h, &d);
	return rc ? rc : hotplug_run(h, &d, v->script, true, NULL);
}

/* The trusted copy names the script: a backend domain might have changed its own. */
static void vbd_script_remove(struct host *h, const struct device *d)
{
	char *script =
		store_read(h, XBT_NULL, "/libxl/%d/device/vbd/%d/script", d->domid, d->devid);

	if (script)
		hotplug_run(h, d, script, false, NULL);
	free(script);
}

int vbd_remove(struct host *h, int domid, int devid, bool force)
{
	char *type = store_read(h, XBT_NULL, "/libxl/%d/device/vbd/%d/type", domid, devid);
	struct device d = vbd_device(domid, devid, NULL, type && !strcmp(type, "qdisk"));

	free(type);
	return device_remove(h, &d, force, vbd_script_remove);
}
