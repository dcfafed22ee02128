// SPDX-License-Identifier: MIT
/*
 * What a guest's screen and keyboard have in the store: reads what the toolstack asks for and what
 * the frontends offer, writes what we can and where viewers find it.  Owns each screen's listening
 * socket, which outlives workers.
 *
 * Nothing is ever configured from the frontend's directory, which the guest writes.
 */
#include "pvfb/backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pvfb/screen.h"

static bool is_vfb(const struct device *device)
{
	return strcmp(device->kind, pvfb_backend.kinds[SCREEN_VFB]) == 0;
}

static struct display *display_get(struct device *device)
{
	struct display *display = device->private;

	if (!display) {
		display = calloc(1, sizeof(*display));
		if (!display)
			log_panic("out of memory");
		display->device = device;
		display->listener = display->passwords = -1;
		device->private = display;
	}
	return display;
}

/* ---- offer ------------------------------------------------------------------------------ */

enum {
	TRY_MS = 10,
	TRIES_MAX = 100
};

static void pvfb_offer(struct device *device);

static void display_try_again(void *arg)
{
	struct display *display = arg;

	display->wait = NULL;
	pvfb_offer(display->device);
}

static char *node(const struct device *device, const char *key)
{
	return store_read(&device->sup->store, "%s/%s", device->path, key);
}

static const char *display_read_spec(struct display *display)
{
	char *address = node(display->device, "vnclisten");
	char *number = node(display->device, "vncdisplay");
	char *unused = node(display->device, "vncunused");
	const char *why = listen_parse(&display->spec, address, number, unused);

	free(address);
	free(number);
	free(unused);
	return why;
}

/* The port that viewers know, if the screen had one. */
static int display_reopen(struct display *display)
{
	const struct resume_connection *saved = display->device->saved;
	struct listen_spec same = display->spec;
	struct screen_connect connect;

	if (!display->device->resume || !saved)
		return -ENOENT;
	memcpy(&connect, saved->body, sizeof(connect));
	same.port = (uint16_t)connect.port;
	same.unused = false;
	return connect.port ? listen_open(&same, &display->port) : -ENOENT;
}

static const char *display_listen(struct display *display)
{
	int fd = display->reopened;

	if (fd < 0)
		fd = listen_open(&display->spec, &display->port);
	if (fd == -EADDRINUSE)
		snprintf(display->why, sizeof(display->why),
			 "port %u of %s is in use; choose another vncdisplay, or vncunused=1",
			 display->spec.port, display->spec.address);
	else if (fd < 0)
		snprintf(display->why, sizeof(display->why),
			 "can't listen at port %u of %s: %s; vnclisten has to be an address of "
			 "this host",
			 display->spec.port, display->spec.address, strerror(-fd));
	display->listener = fd < 0 ? -1 : fd;
	return fd < 0 ? display->why : NULL;
}

/* Where `xl vncviewer` and libvirt look for it: xl itself writes these only for a QEMU. */
static void display_tell(const struct display *display)
{
	struct device *device = display->device;
	char dir[64];

	if (device->devid != 0)
		return;
	snprintf(dir, sizeof(dir), "/local/domain/%u/console", device->guest->domid);
	/* In a driver domain the guest's directory is not ours; there, nobody can be told. */
	if (store_write(&device->sup->store, dir, "vnc-listen", "%s", display->spec.address) == 0)
		store_write(&device->sup->store, dir, "vnc-port", "%u", display->port);
}

/*
 * A worker that died lets go of its journal a moment before it lets go of its socket; viewers look
 * for the port that they know, so it is waited for.
 */
static bool display_waits(struct display *display, int err)
{
	if (err != -EADDRINUSE || display->tries++ >= TRIES_MAX)
		return false;
	display->wait =
		loop_timer_add(&display->device->sup->loop, TRY_MS, display_try_again, display);
	return true;
}

/* It is not there any more.  A daemon that stops leaves it: the next one listens at the same port.
 */
static void display_untell(const struct display *display)
{
	struct device *device = display->device;
	static const char *const nodes[] = {"vnc-port", "vnc-listen"};
	char path[64];

	if (device->devid != 0 || display->listener < 0 || device->sup->stopping ||
	    !device->sup->store.xs)
		return;
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/console/%s", device->guest->domid,
			 nodes[i]);
		store_remove(&device->sup->store, path);
	}
}

/* Whether it was asked for: as libxl has it, by default. */
static bool vnc_wanted(const struct device *device)
{
	char *vnc = node(device, "vnc");
	bool wanted = !vnc || strcmp(vnc, "0") != 0;

	free(vnc);
	return wanted;
}

static void pvfb_offer(struct device *device)
{
	struct display *display;
	const char *why = NULL;

	if (!is_vfb(device) || !vnc_wanted(device)) {
		device_offered(device, NULL);
		return;
	}
	display = display_get(device);
	display->why[0] = '\0';
	if (display->passwords < 0)
		display->passwords = password_open(device, display->why, sizeof(display->why));
	if (display->passwords < 0)
		why = display->why;
	if (!why && display->listener < 0) {
		why = display_read_spec(display);
		if (!why)
			display->reopened = display_reopen(display);
		if (!why && display_waits(display, display->reopened))
			return;
		if (!why)
			why = display_listen(display);
		if (!why)
			display_tell(display);
	}
	device_offered(device, why);
}

static bool pvfb_ready(const struct device *device)
{
	(void)device;
	return true;
}

static void pvfb_release(struct device *device)
{
	struct display *display = device->private;

	if (!display)
		return;
	display_untell(display);
	loop_timer_del(&device->sup->loop, display->wait);
	if (display->listener >= 0)
		close(display->listener);
	if (display->passwords >= 0)
		close(display->passwords);
	device->private = NULL;
	free(display);
}

/*
 * Who takes a guest's screen is for its device model to say: xl starts one for each guest with a
 * vfb, and a QEMU would take it without a word.
 */
static bool pvfb_wanted(struct device *device)
{
	char *model = node(device, "device-model");
	bool ours = pvfb_options.unmarked || (model && strcmp(model, "halfback") == 0);

	free(model);
	if (!ours)
		log_debug("%s is left to its device model, which is not halfback-dm", device->path);
	return ours;
}

static const char *pvfb_rival(const struct device *device)
{
	(void)device;
	return NULL;
}

/* ---- nodes we write --------------------------------------------------------------------- */

/* What the toolstack has written stays. */
static int node_default(struct device *device, const char *key, const char *value)
{
	if (!value || store_exists(&device->sup->store, "%s/%s", device->path, key))
		return 0;
	return store_write(&device->sup->store, device->path, key, "%s", value);
}

/* A pointer in pixels has the range of the screen beside it, if somebody said what that is. */
static int write_range(struct device *device, const char *key)
{
	char *value =
		store_read(&device->sup->store, "/local/domain/%u/backend/vfb/%u/%u/%s",
			   device->sup->store.domid, device->guest->domid, device->devid, key);
	int err = node_default(device, key, value);

	free(value);
	return err;
}

static int pvfb_write_features(struct device *device)
{
	/* The device model's proof that it was not another backend that went to InitWait. */
	int err = store_write(&device->sup->store, device->path, "served-by", "halfback");

	if (err < 0)
		return err;
	if (is_vfb(device))
		return node_default(device, "feature-resize", "1");
	err = node_default(device, XENKBD_FIELD_FEAT_ABS_POINTER, "1");
	if (err == 0)
		err = node_default(device, XENKBD_FIELD_FEAT_RAW_POINTER, "1");
	if (err == 0)
		err = write_range(device, XENKBD_FIELD_WIDTH);
	return err == 0 ? write_range(device, XENKBD_FIELD_HEIGHT) : err;
}

/* The guest looks at this when it sees state 4, so both are written at once. */
static int pvfb_write_connected(struct device *device)
{
	const struct display *display = device->private;

	if (!is_vfb(device) || !display || !display->update)
		return 0;
	return store_write(&device->sup->store, device->path, "request-update", "1");
}

/* ---- connecting ------------------------------------------------------------------------- */

/* A limit of the toolstack's for this screen, in MiB, or everybody's. */
static uint32_t framebuffer_max(const struct device *device)
{
	uint64_t mib = 0;

	if (store_read_number(&device->sup->store, UINT32_MAX >> 20, &mib, "%s/videoram",
			      device->path) == 0)
		return (uint32_t)mib << 20;
	return pvfb_options.framebuffer_max;
}

static void title_write(const struct device *device, char title[SCREEN_TITLE_MAX])
{
	char *name = store_read(&device->sup->store, "/local/domain/%u/name", device->guest->domid);

	snprintf(title, SCREEN_TITLE_MAX, "%.60s (domain %u)", name ? name : "guest",
		 device->guest->domid);
	free(name);
}

static int connect_vfb(struct device *device, struct screen_connect *connect, struct chan_msg *msg,
		       const char **why)
{
	struct display *display = display_get(device);
	int err = device->resume ? 0 : frontend_read_vfb(device, connect, why);

	connect->framebuffer_max = framebuffer_max(device);
	connect->port = display->listener >= 0 ? display->port : 0;
	display->update = connect->update;
	title_write(device, connect->title);
	if (display->listener >= 0) {
		msg->nfds = 2;
		msg->fds[0] = display->listener;
		msg->fds[1] = display->passwords;
	}
	device->journal_bytes = sizeof(struct fb_journal);
	return err;
}

static int pvfb_connect(struct device *device, struct chan_msg *msg, const char **why)
{
	struct screen_connect connect = {0};
	int err;

	if (device->resume)
		memcpy(&connect, device->saved->body, sizeof(connect));
	connect.resume = device->resume;
	msg->nfds = 0;
	if (is_vfb(device)) {
		err = connect_vfb(device, &connect, msg, why);
	} else {
		err = device->resume ? 0 : frontend_read_vkbd(device, &connect, why);
		device->journal_bytes = sizeof(struct kbd_journal);
	}
	device->engine = "vnc";
	memcpy(msg->body, &connect, sizeof(connect));
	if (device->resume && device->saved->bytes != device->journal_bytes) {
		*why = "its connection can't be gone on with; the guest has to connect it again";
		return -EINVAL;
	}
	return err;
}

static bool pvfb_nothing(struct device *device, struct chan_msg *msg)
{
	(void)device;
	(void)msg;
	return false;
}

static void pvfb_look(struct device *device)
{
	(void)device;
}

const struct backend pvfb_backend = {
	.name = "pvfb",
	.kinds = {"vfb", "vkbd"},
	.kinds_apart = true,
	.connect_bytes = sizeof(struct screen_connect),
	.no_uring = "screens are served with epoll",
	.rival = pvfb_rival,
	.wanted = pvfb_wanted,
	.offer = pvfb_offer,
	.ready = pvfb_ready,
	.write_features = pvfb_write_features,
	.connect = pvfb_connect,
	.tune = pvfb_nothing,
	.write_connected = pvfb_write_connected,
	.resize = pvfb_nothing,
	.look = pvfb_look,
	.release = pvfb_release,
};

_Static_assert((int)SCREEN_DEVICES == (int)SUP_KINDS_MAX, "device_number()");
