// SPDX-License-Identifier: MIT
/*
 * The frontends' directories, which the guest writes: each node is read once, as a number within
 * bounds or one of a few words, and nothing else of it is used.  What stands where is in
 * xen/io/kbdif.h, and for screens in what Linux' xen-fbfront writes: fbif.h does not say.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pvfb/backend.h"
#include "pvfb/screen.h"

enum {
	EVENT_CHANNEL_MAX = 1 << 17 /* EVTCHN_FIFO_NR_CHANNELS */
};

static const uint64_t frame_max = (1ull << 40) - 1; /* of 52-bit addresses */

static int read_number(const struct device *device, const char *key, uint64_t max, uint64_t *value)
{
	return store_read_number(&device->sup->store, max, value, "%s/%s", device->frontend, key);
}

static int read_channel(const struct device *device, struct screen_connect *connect,
			const char **why)
{
	uint64_t value = 0;
	int err = read_number(device, "event-channel", EVENT_CHANNEL_MAX - 1, &value);

	if (err == -ENOENT || err == -EINVAL)
		*why = "its frontend's event-channel is missing or no event channel";
	connect->event_channel = (uint32_t)value;
	return err;
}

/* Whatever is no 1 is a no. */
static int read_flag(const struct device *device, const char *key, bool *flag)
{
	uint64_t value = 0;
	int err = read_number(device, key, 1, &value);

	*flag = err == 0 && value == 1;
	return err == -ENOENT || err == -EINVAL ? 0 : err;
}

static int read_abi(const struct device *device, uint32_t *abi, const char **why)
{
	char *protocol = store_read(&device->sup->store, "%s/protocol", device->frontend);
	int err = 0;

	if (!protocol && errno == ENOENT)
		*abi = FB_ABI_UNKNOWN;
	else if (protocol && strcmp(protocol, "x86_64-abi") == 0)
		*abi = FB_ABI_64;
	else if (protocol && strcmp(protocol, "x86_32-abi") == 0)
		*abi = FB_ABI_32;
	else
		err = -EINVAL;
	if (err < 0)
		*why = "its frontend's protocol is another than x86_64-abi and x86_32-abi, which "
		       "are served";
	free(protocol);
	return err;
}

int frontend_read_vfb(struct device *device, struct screen_connect *connect, const char **why)
{
	bool update = false;
	int err = read_number(device, "page-ref", frame_max, &connect->page);

	if (err == -ENOENT || err == -EINVAL)
		*why = "its frontend's page-ref is missing or no frame";
	if (err == 0)
		err = read_channel(device, connect, why);
	if (err == 0)
		err = read_abi(device, &connect->abi, why);
	if (err == 0)
		err = read_flag(device, "feature-update", &update);
	connect->update = update;
	return err;
}

int frontend_read_vkbd(struct device *device, struct screen_connect *connect, const char **why)
{
	bool absolute = false, raw = false;
	int err = read_number(device, "page-gref", UINT32_MAX, &connect->page);

	connect->granted = err == 0;
	if (err == -ENOENT)
		err = read_number(device, "page-ref", frame_max, &connect->page);
	if (err == -ENOENT || err == -EINVAL)
		*why = "its frontend's page-gref or page-ref is missing or no page";
	if (err == 0)
		err = read_channel(device, connect, why);
	if (err == 0)
		err = read_flag(device, XENKBD_FIELD_REQ_ABS_POINTER, &absolute);
	if (err == 0)
		err = read_flag(device, XENKBD_FIELD_REQ_RAW_POINTER, &raw);
	connect->pointer = !absolute ? POINTER_RELATIVE : raw ? POINTER_RAW : POINTER_ABSOLUTE;
	return err;
}
