// SPDX-License-Identifier: MIT
/*
 * A device's image that grows while a guest uses it: noticed by the sizewatch or told by the admin
 * and measured, or found by the worker when it connects to an NBD server anew; then told to the
 * worker and after that to the guest, which goes on without reconnecting.
 *
 * A disk never gets smaller under its guest: what lies behind a shrunk image gives errors.
 */
#include "blkback/attachment.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "blkback/grow.h"
#include "blkback/sizewatch.h"
#include "blkback/vbd.h"

/* A disk only ever grows: a guest that was told of a smaller one might lose what lies behind. */
static void attachment_looked(struct image *image, int64_t bytes)
{
	struct attachment *a = (struct attachment *)image;
	uint64_t sectors;

	if (!a->device) { /* released meanwhile */
		free(a);
		return;
	}
	if (bytes < 0)
		return;
	sectors = image_whole_sectors(image, (uint64_t)bytes);
	if (sectors < image->spec.sectors && a->shrunk != (uint64_t)bytes) {
		a->shrunk = (uint64_t)bytes;
		log_warn("%.300s shrank to %lld bytes: %s %u of guest %u keeps its %llu, and what "
			 "lies behind gives errors; make the image as large again",
			 image->path, (long long)bytes, a->device->kind, a->device->devid,
			 a->device->guest->domid,
			 (unsigned long long)image->spec.sectors * DISK_SECTOR);
	} else if (sectors > image->spec.sectors) {
		image->spec.sectors = sectors;
		a->shrunk = UINT64_MAX;
		a->device->dirty = true; /* its step tells the guest */
	}
}

static void attachment_look_at(struct attachment *a)
{
	if (a && a->image.open)
		image_look(&a->image, attachment_looked);
}

static void attachments_look(struct sizewatch *watch, int file, uint64_t dev)
{
	struct sup *sup = (struct sup *)((char *)watch->loop - offsetof(struct sup, loop));
	bool any = file < 0 && dev == 0;

	for (struct device *d = sup->devices; d; d = d->next) {
		struct attachment *a = d->private;

		if (a && (any || (file >= 0 ? a->file == file
					    : image_is_block(&a->image) && a->image.dev == dev)))
			attachment_look_at(a);
	}
}

void attachment_watch(struct attachment *a)
{
	struct sup *sup = a->device->sup;
	int err;

	if (a->image.remote) /* its worker hears of it, with the next connection */
		a->image.looked = attachment_looked;
	if (a->image.nfds == 0 || a->image.remote)
		return;
	if (!sup->private) {
		sup->private = malloc(sizeof(struct sizewatch));
		if (!sup->private)
			log_panic("out of memory");
		sizewatch_init(sup->private, &sup->loop, attachments_look);
	}
	if (image_is_block(&a->image))
		err = sizewatch_devices(sup->private);
	else
		err = a->file = sizewatch_file(sup->private, a->image.fds[0]);
	if (err < 0)
		log_warn("can't watch the size of %.300s: %s; if it grows, write the node resize",
			 a->image.path, strerror(-err));
	attachment_look_at(a); /* it may have grown since it was measured */
}

void attachment_unwatch(struct attachment *a)
{
	int file = a->file;

	a->file = -1;
	for (struct device *d = a->device->sup->devices; d; d = d->next) {
		const struct attachment *b = d->private;

		if (b && b->file == file)
			return;
	}
	if (file >= 0)
		sizewatch_forget(a->device->sup->private, file);
}

void attachment_look(struct device *device)
{
	if (!grow_asked(device))
		attachment_look_at(device->private);
}

bool attachment_resize(struct device *device, struct chan_msg *msg)
{
	struct attachment *a = device->private;
	struct vbd_resize resize = {.sectors = a->image.spec.sectors};
	uint32_t held;

	if (resize.sectors <= a->told)
		return false;
	/* An NBD server may be another size each second. */
	if (log_limit_pass(&device->moves, loop_now_ns() / 1000000, &held))
		log_info("%s %u of guest %u grew from %llu to %llu sectors", device->kind,
			 device->devid, device->guest->domid, (unsigned long long)a->told,
			 (unsigned long long)resize.sectors);
	a->told = resize.sectors;
	memcpy(msg->body, &resize, sizeof(resize));
	return true;
}

void attachment_recall(struct attachment *a)
{
	struct device *device = a->device;

	store_read_number(&device->sup->store, UINT64_MAX, &a->told, "%s/sectors", device->path);
	if (a->image.spec.sectors < a->told)
		a->image.spec.sectors = a->told; /* a look will say so */
}
