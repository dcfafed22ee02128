// SPDX-License-Identifier: MIT
/*
 * An image that has to be made larger by whoever serves it: `halfback resize` asks by two nodes of
 * the device's backend directory, which guests may read but not write.
 *
 *	resize = "BYTES ID"		the wish; taken away when it is answered
 *	resize-answer = "ID"		it has that size
 *	resize-answer = "ID SENTENCE"	it has not
 *
 * ID is the asker's own, so that it knows its answer.
 */
#include "blkback/grow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blkback/remote.h"

/* Not if the toolstack has removed the device: it would be made again. */
static void grow_answer(struct device *device, const char *id, const char *sentence)
{
	struct store *store = &device->sup->store;
	char wish[STORE_PATH_MAX];
	int tries = 0, err;

	snprintf(wish, sizeof(wish), "%s/resize", device->path);
	do {
		char *state;

		store_begin(store);
		state = store_read(store, "%s/state", device->path);
		err = state ? store_write(store, device->path, "resize-answer", "%s%s%s", id,
					  *sentence ? " " : "", sentence)
			    : -errno;
		if (err == 0)
			store_remove(store, wish);
		free(state);
	} while (store_commit(store, &err, &tries));
}

static void grow_end(struct attachment *a, const char *sentence)
{
	char id[sizeof(a->grow_id)];

	memcpy(id, a->grow_id, sizeof(id));
	a->grow_id[0] = '\0';
	grow_answer(a->device, id, sentence);
}

static void grow_grown(struct image *image, const char *why)
{
	struct attachment *a = (struct attachment *)image;
	char sentence[DEVICE_ERROR_MAX] = "";

	if (why) {
		snprintf(sentence, sizeof(sentence),
			 "%.200s keeps its size, since qemu-img can't make it larger: %.200s",
			 image->path, why);
		log_warn("%s", sentence);
	} else {
		image->looked(image, (int64_t)a->grow_bytes);
	}
	grow_end(a, sentence);
}

/* NULL, or why such an image is not ours to grow, in words that follow its name. */
static const char *grow_refuse_kind(const struct image *image)
{
	const char *format = image->target.format;

	if (image->target.kind == TARGET_TCP || image->target.kind == TARGET_UNIX)
		return "is an NBD server's; make it larger there and start that server again, and "
		       "the guest sees it";
	if (image->spec.engine == DISK_NULL)
		return "stores nothing; attach the disk again with another size";
	if (image->target.kind == TARGET_LOCAL && image_is_block(image))
		return "is a block device; make that larger (lvextend -L), and the guest sees it";
	if (image->target.kind == TARGET_LOCAL)
		return "is a raw image; make the file larger (truncate -s), and the guest sees it";
	if (strcmp(format, "qcow2") != 0 && strcmp(format, "qed") != 0)
		return "has a format that QEMU's tools can't make larger; detach it and rewrite it "
		       "as qcow2 with qemu-img convert";
	if (image->spec.read_only)
		return "is attached read-only; only a disk that is written can be made larger";
	return NULL;
}

/* True, and why not in a sentence. */
static bool grow_refuse(const struct attachment *a, uint64_t bytes, char *sentence, size_t size)
{
	const struct image *image = &a->image;
	const char *why = grow_refuse_kind(image);
	uint64_t now = image->spec.sectors * DISK_SECTOR;

	if (!why && a->grow_id[0])
		why = "is being made larger already; wait for that";
	if (why)
		snprintf(sentence, size, "%.200s %s", image->path, why);
	else if (bytes % image->spec.physical_sector != 0)
		snprintf(sentence, size,
			 "%" PRIu64 " bytes are no whole sectors; give a multiple of %u", bytes,
			 image->spec.physical_sector);
	else if (bytes <= now)
		snprintf(sentence, size,
			 "%.200s has %" PRIu64 " bytes, and a disk only gets larger; give more",
			 image->path, now);
	else
		return false;
	return true;
}

static void grow_start(struct device *device, const char *id, uint64_t bytes)
{
	struct attachment *a = device->private;
	char sentence[DEVICE_ERROR_MAX] =
		"no guest uses the disk now and blkback does not hold its "
		"image; make it larger with qemu-img resize";

	if (!a || !a->image.open || grow_refuse(a, bytes, sentence, sizeof(sentence))) {
		grow_answer(device, id, sentence);
		return;
	}
	log_info("%.300s: its guest's I/O waits while it is made larger, to %" PRIu64 " bytes",
		 a->image.path, bytes);
	snprintf(a->grow_id, sizeof(a->grow_id), "%s", id);
	a->grow_bytes = bytes;
	remote_grow(&a->image, bytes, grow_grown);
}

bool grow_asked(struct device *device)
{
	char *wish = store_read(&device->sup->store, "%s/resize", device->path);
	char *space = wish ? strchr(wish, ' ') : NULL;
	const char *id = space ? space + 1 : "";
	uint64_t bytes;
	bool asked;

	if (space)
		*space = '\0';
	asked = *id && strlen(id) < GROW_ID_MAX && number_parse(wish, INT64_MAX, &bytes) == 0;
	if (asked)
		grow_start(device, id, bytes);
	free(wish);
	return asked;
}

void grow_drop(struct attachment *a)
{
	if (a->grow_id[0])
		grow_end(a, "its guest has let go of the disk meanwhile; try again");
}
