// SPDX-License-Identifier: MIT
/*
 * What a vbd has in the store, per xen/io/blkif.h: reads what the toolstack asks for and what the
 * frontend offers, writes what we can.  Owns the image of each device.
 *
 * Nothing is ever configured from the frontend's directory, which the guest writes; of it only the
 * ring, the event channel and the ABI are read, once, within one transaction.
 */
#include "blkback/backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "blkback/attachment.h"
#include "blkback/frontend.h"
#include "blkback/grow.h"
#include "blkback/limit_nodes.h"
#include "blkback/vbd.h"
#include "common/xentop.h"

enum {
	HELPER_UIDS = 1 << 15, /* domain D's helpers are this far above its worker */
};

/* ---- offer ------------------------------------------------------------------------------ */

static struct attachment *attachment_get(struct device *device)
{
	struct attachment *a = device->private;

	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			log_panic("out of memory");
		a->device = device;
		a->file = -1;
		a->shrunk = UINT64_MAX;
		device->private = a;
	}
	return a;
}

/* Who of ours serves the same image: two guests that write one file system destroy it. */
static const struct attachment *attachment_rival(const struct attachment *a)
{
	for (struct device *d = a->device->sup->devices; d; d = d->next) {
		const struct attachment *b = d->private;

		if (b && b != a && b->image.open && b->image.dev != 0 &&
		    b->image.dev == a->image.dev && b->image.ino == a->image.ino)
			return b;
	}
	return NULL;
}

/* NBD has no locks: the same export by the same name is all that can be noticed. */
static const struct attachment *attachment_export_rival(const struct attachment *a)
{
	for (struct device *d = a->device->sup->devices; d; d = d->next) {
		const struct attachment *b = d->private;

		if (b && b != a && b->image.open && b->image.remote && b->image.dev == 0 &&
		    strcmp(b->image.path, a->image.path) == 0 &&
		    !(a->image.spec.read_only && b->image.spec.read_only))
			return b;
	}
	return NULL;
}

static void attachment_renewed(struct image *image, const char *why)
{
	struct device *device = ((struct attachment *)image)->device;

	if (!why)
		attachment_look(device); /* it may have grown meanwhile */
	device_offered(device, why);
}

static void attachment_opened(struct image *image, const char *why)
{
	struct attachment *a = (struct attachment *)image;
	const struct attachment *rival = why ? attachment_rival(a) : attachment_export_rival(a);
	char sentence[DEVICE_ERROR_MAX];
	char *name;

	if (!why && a->device->resume)
		attachment_recall(a);
	if (!why)
		attachment_watch(a);
	if (!rival) {
		device_offered(a->device, why);
		return;
	}
	image_close(image);
	name = store_read(&a->device->sup->store, "/local/domain/%u/name",
			  rival->device->guest->domid);
	snprintf(sentence, sizeof(sentence),
		 "%.300s is in use by guest %.64s (domain %u, vbd %u); detach it there first",
		 image->path, name ? name : "?", rival->device->guest->domid, rival->device->devid);
	free(name);
	device_offered(a->device, sentence);
}

/*
 * The image's name: what the toolstack asked for, less the format that it puts in front; or, if a
 * script of somebody else's set it up, where that says it is.
 */
static char *target_read(struct device *device)
{
	static const char *const formats[] = {"aio:", "raw:", "file:", "phy:"};
	bool other = device_script(device) == SCRIPT_OTHER;
	char *target = store_read(&device->sup->store, "%s/%s", device->path,
				  other ? "physical-device-path" : "params");

	if (!target || other)
		return target;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		size_t len = strlen(formats[i]);

		if (strncmp(target, formats[i], len) == 0) {
			memmove(target, target + len, strlen(target + len) + 1);
			break;
		}
	}
	return target;
}

/*
 * Once loaded, the kernel's driver claims each device of kind vbd, those that are served already
 * not excepted.  Debian loads it by itself when the first disk appears, so it is looked for at each
 * disk and not at our start.
 */
static const char *blkback_rival(const struct device *device)
{
	if (strcmp(device->kind, "vbd") != 0 ||
	    access("/sys/bus/xen-backend/drivers/vbd", F_OK) != 0)
		return NULL;
	return "the kernel's xen-blkback is loaded and claims this disk; rmmod xen-blkback, "
	       "blacklist it in /etc/modprobe.d, and attach the disk again";
}

/*
 * The toolstack starts a device model for each guest with disks of kind qdisk.  Mostly that is
 * QEMU, which would take them as we do, and both would answer the guest; so they are ours only
 * where ours (halfback-dm) has marked them.
 */
static bool blkback_wanted(struct device *device)
{
	char *model;
	bool ours;

	if (strcmp(device->kind, "qdisk") != 0)
		return true;
	model = store_read(&device->sup->store, "%s/device-model", device->path);
	ours = model && strcmp(model, "halfback") == 0;
	free(model);
	if (!ours)
		log_debug("%s is left to its device model, which is not halfback-dm", device->path);
	return ours;
}

/* A flag that the toolstack wrote. */
static bool flag_read(struct device *device, const char *key, bool otherwise)
{
	char *text = store_read(&device->sup->store, "%s/%s", device->path, key);
	bool flag = text ? strcmp(text, "0") != 0 : otherwise;

	free(text);
	return flag;
}

/*
 * As Linux' backend reads it: a w anywhere means that it may be written.  A ! is what the block
 * scripts know: the admin knows why others have it, too.  No mode is none of these.
 */
static bool mode_parse(const char *mode, uint32_t *want)
{
	if (!mode || !*mode)
		return false;
	*want |= (strchr(mode, 'w') ? 0 : IMAGE_READ_ONLY) | (strchr(mode, '!') ? IMAGE_SHARED : 0);
	return true;
}

static void blkback_offer(struct device *device)
{
	struct attachment *a = attachment_get(device);
	struct store *store = &device->sup->store;
	char *target, *mode, *type;
	uint32_t want;

	if (a->image.open && device->resume && a->image.target.kind != TARGET_FORMAT) {
		image_renew(&a->image, attachment_renewed);
		return;
	}
	/* Only the end of a qemu-nbd tells that it has written all that a dead worker gave it. */
	if (a->image.open && device->resume) {
		attachment_unwatch(a);
		image_close(&a->image);
	}
	/* A script of somebody else's runs at InitWait, and then we come back for the image. */
	if (a->image.open ||
	    (device_script(device) == SCRIPT_OTHER && !device_hotplug_is(device, "connected"))) {
		device_offered(device, NULL);
		return;
	}
	target = target_read(device);
	mode = store_read(store, "%s/mode", device->path);
	type = store_read(store, "%s/device-type", device->path);
	a->cdrom = type && strcmp(type, "cdrom") == 0;
	a->removable = flag_read(device, "removable", false);
	want = (a->cdrom ? IMAGE_READ_ONLY : 0) |
	       (flag_read(device, "discard-enable", true) ? IMAGE_DISCARD : 0) |
	       (device->resume ? IMAGE_PATIENT : 0);
	a->image.owner = (uint64_t)device->guest->domid << 32 | device->devid;
	if ((!target || !*target) && a->cdrom)
		device_offered(device, "its drive is empty, and a PV guest's drive can't be filled "
				       "later; write target=/path/to/image, or leave the disk out");
	else if (!target || !*target)
		device_offered(device, "its node params (or its script) names no image; write "
				       "target=/path/to/image in the disk's specification");
	else if (!mode_parse(mode, &want))
		device_offered(device, "its node mode is missing or empty; write access=ro or "
				       "access=rw in the disk's specification");
	else
		image_open(&a->image, &device->sup->offload, target, want,
			   device->sup->uid_base + HELPER_UIDS + device->guest->domid,
			   attachment_opened);
	free(target);
	free(mode);
	free(type);
}

static bool blkback_ready(const struct device *device)
{
	const struct attachment *a = device->private;

	return a && a->image.open;
}

static void blkback_release(struct device *device)
{
	struct attachment *a = device->private;

	if (!a)
		return;
	grow_drop(a);
	attachment_unwatch(a);
	image_close(&a->image);
	device->private = NULL;
	a->device = NULL;
	if (!a->image.looking) /* else attachment_looked() frees it */
		free(a);
}

/* ---- nodes we write --------------------------------------------------------------------- */

struct node {
	const char *key;
	uint64_t value;
};

static int nodes_write(struct device *device, const struct node *nodes, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && err == 0; i++)
		err = store_write(&device->sup->store, device->path, nodes[i].key, "%llu",
				  (unsigned long long)nodes[i].value);
	return err;
}

static int blkback_write_features(struct device *device)
{
	const struct attachment *a = device->private;
	bool alone = a && a->image.open && disk_is_alone(&a->image.spec);
	const struct node nodes[] = {
		{"max-ring-page-order", BLKRING_ORDER_MAX},
		{"max-ring-pages", BLKRING_PAGES_MAX},
		{"multi-queue-max-queues", alone ? 1 : device->sup->threads},
		{"feature-max-indirect-segments", SLOT_INDIRECT_SEGMENTS},
	};

	int err = nodes_write(device, nodes, sizeof(nodes) / sizeof(nodes[0]));

	/* Our hotplug script's proof that it was not another backend that went to InitWait. */
	if (err == 0)
		err = store_write(&device->sup->store, device->path, "served-by", "halfback");
	return err;
}

static uint64_t disk_info(const struct attachment *a)
{
	const struct disk_spec *spec = &a->image.spec;

	return (spec->read_only ? VDISK_READONLY : 0) | (a->cdrom ? VDISK_CDROM : 0) |
	       (a->removable || spec->removable ? VDISK_REMOVABLE : 0);
}

static int blkback_write_connected(struct device *device)
{
	const struct attachment *a = device->private;
	const struct disk_spec *spec = &a->image.spec;
	const struct node nodes[] = {
		{"sectors", a->told},
		{"sector-size", DISK_SECTOR},
		{"physical-sector-size", spec->physical_sector},
		{"info", disk_info(a)},
		{"feature-flush-cache", 1},
		{"feature-barrier", 1},
		{"feature-persistent", device->sup->persistent},
		{"feature-discard", spec->discard},
		{"discard-granularity", spec->discard_granularity},
		{"discard-alignment", spec->discard_alignment},
		{"discard-secure", spec->discard_secure},
	};
	/* The last three go with feature-discard: all or none. */
	size_t count = sizeof(nodes) / sizeof(nodes[0]) - (spec->discard ? 0 : 3);
	int err = nodes_write(device, nodes, count);

	return err < 0 ? err : xentop_write_node(device);
}

/* What an earlier supervisor, or we, found when the device connected.  As frontend_read(). */
static int connection_read(const struct device *device, struct vbd_connect *connect, char *why,
			   size_t why_size)
{
	const struct attachment *a = device->private;
	const struct resume_connection *saved = device->saved;

	why[0] = '\0';
	memcpy(connect, saved->body, sizeof(*connect));
	if (saved->store[0] != a->image.dev || saved->store[1] != a->image.ino) {
		snprintf(why, why_size,
			 "its image is another file than it was; no data was touched, and the "
			 "guest has to connect it again");
		return -ESTALE;
	}
	if (connect->queues < 1 || connect->queues > VBD_QUEUES_MAX ||
	    connect->ring_order > BLKRING_ORDER_MAX || connect->abi >= ABI_COUNT ||
	    vbd_journal_bytes(connect) != saved->bytes) {
		snprintf(why, why_size,
			 "its connection can't be gone on with; the guest has to connect it again");
		return -EINVAL;
	}
	return 0;
}

static int blkback_connect(struct device *device, struct chan_msg *msg, const char **why)
{
	struct attachment *a = device->private;
	struct vbd_connect connect = {0};
	int err = device->resume ? connection_read(device, &connect, a->why, sizeof(a->why))
				 : frontend_read(device, &connect, a->why, sizeof(a->why));

	connect.disk = a->image.spec;
	connect.resume = device->resume;
	connect.suspect = device->resume && device->guest->crashed;
	if (err == 0)
		err = limit_read(device, &connect.limit, a->why, sizeof(a->why));
	*why = a->why[0] ? a->why : NULL;
	if (!device->resume)
		a->told = a->image.spec.sectors;
	connect.disk.sectors = a->told;
	if (err < 0)
		return err;
	a->limit = connect.limit;
	device->queues = connect.queues;
	device->engine = disk_engine_ops(connect.disk.engine)->name;
	device->store_id[0] = a->image.dev;
	device->store_id[1] = a->image.ino;
	device->journal_bytes = vbd_journal_bytes(&connect);
	msg->nfds = a->image.nfds;
	/* A script that named the image after we had offered queues: the page cache can do both. */
	if (connect.queues > 1 && disk_is_alone(&connect.disk)) {
		connect.disk.direct_align = 0;
		msg->nfds = 1;
	}
	memcpy(msg->body, &connect, sizeof(connect));
	memcpy(msg->fds, a->image.fds, sizeof(a->image.fds));
	return 0;
}

/* Limits are all that may change while a disk is connected. */
static bool blkback_tune(struct device *device, struct chan_msg *msg)
{
	struct attachment *a = device->private;
	struct limit_spec limit;
	char why[160] = "";

	if (limit_read(device, &limit, why, sizeof(why)) < 0) {
		if (why[0])
			log_guest(&device->limit, "%s %u of guest %u keeps its limits: %s",
				  device->kind, device->devid, device->guest->domid, why);
		return false;
	}
	if (memcmp(&limit, &a->limit, sizeof(limit)) == 0)
		return false;
	a->limit = limit;
	memcpy(msg->body, &limit, sizeof(limit));
	return true;
}

const struct backend blkback_backend = {
	.name = "blkback",
	.kinds = {"vbd", "vbd3", "qdisk"},
	.frontend = "vbd",
	.connect_bytes = sizeof(struct vbd_connect),
	.script = "block-halfback",
	.no_uring = "disks are served by libaio",
	.rival = blkback_rival,
	.wanted = blkback_wanted,
	.offer = blkback_offer,
	.ready = blkback_ready,
	.write_features = blkback_write_features,
	.connect = blkback_connect,
	.tune = blkback_tune,
	.write_connected = blkback_write_connected,
	.resize = attachment_resize,
	.look = attachment_look,
	.release = blkback_release,
};
