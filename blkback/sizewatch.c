// SPDX-License-Identifier: MIT
/*
 * Notices images that grow, without a timer and without a system call for any I/O of a guest.
 *
 * Files: inotify's IN_CLOSE_WRITE.  What makes an image larger opens it, writes or truncates, and
 * closes it: truncate(1), fallocate(1), dd, cp.  The events that would tell of the change
 * itself (IN_MODIFY; a truncation has no IN_ATTRIB) come for each write of each guest as well. What
 * this misses, truncate(2) by name and another host's change of a file on NFS, is for the admin to
 * tell (the node `resize`).
 *
 * Block devices: the kernel's "change" uevents, which each driver that resizes sends (loop, dm, md,
 * nvme, sd, rbd, ...).  A busy host has a few a minute.
 *
 * It only says that there may be something to see: who is told looks at the size.  Owns the two
 * descriptors.
 */
#include "blkback/sizewatch.h"

#include <errno.h>
#include <libudev.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

void sizewatch_init(struct sizewatch *watch, struct loop *loop,
		    void (*changed)(struct sizewatch *, int, uint64_t))
{
	*watch = (struct sizewatch){.loop = loop, .inotify = -1, .changed = changed};
}

/* ---- files ------------------------------------------------------------------------------ */

static void files_ready(void *arg, int events)
{
	struct sizewatch *watch = arg;
	union {
		struct inotify_event event; /* for its alignment */
		char bytes[4096];
	} buffer;
	ssize_t n;

	(void)events;
	while ((n = read(watch->inotify, buffer.bytes, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event = (const void *)(buffer.bytes + at);

			if (event->mask & (IN_CLOSE_WRITE | IN_Q_OVERFLOW))
				watch->changed(watch, event->wd, 0);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
}

int sizewatch_file(struct sizewatch *watch, int fd)
{
	char path[32];
	int file;

	if (watch->inotify < 0) {
		watch->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (watch->inotify < 0)
			return -errno;
		loop_poll_add(watch->loop, watch->inotify, files_ready, watch);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	file = inotify_add_watch(watch->inotify, path, IN_CLOSE_WRITE);
	return file < 0 ? -errno : file;
}

void sizewatch_forget(struct sizewatch *watch, int file)
{
	inotify_rm_watch(watch->inotify, file);
}

/* ---- block devices ---------------------------------------------------------------------- */

static bool device_changed(struct udev_device *device)
{
	const char *action = device ? udev_device_get_action(device) : NULL;

	return action && strcmp(action, "change") == 0;
}

static void devices_ready(void *arg, int events)
{
	struct sizewatch *watch = arg;
	struct pollfd more = {.fd = udev_monitor_get_fd(watch->uevents), .events = POLLIN};
	struct udev_device *device;

	(void)events;
	do {
		device = udev_monitor_receive_device(watch->uevents);
		if (device_changed(device))
			watch->changed(watch, -1, udev_device_get_devnum(device));
		else if (!device && errno == ENOBUFS)
			watch->changed(watch, -1, 0); /* some were lost */
		udev_device_unref(device);
	} while (poll(&more, 1, 0) > 0);
}

int sizewatch_devices(struct sizewatch *watch)
{
	struct udev *udev;

	if (watch->uevents)
		return 0;
	udev = udev_new();
	/* The kernel's own events: no udevd has to run. */
	watch->uevents = udev ? udev_monitor_new_from_netlink(udev, "kernel") : NULL;
	if (!watch->uevents)
		return -ENOMEM;
	udev_unref(udev); /* the monitor has its own */
	if (udev_monitor_filter_add_match_subsystem_devtype(watch->uevents, "block", NULL) < 0 ||
	    udev_monitor_enable_receiving(watch->uevents) < 0) {
		udev_monitor_unref(watch->uevents);
		watch->uevents = NULL;
		return -EIO;
	}
	loop_poll_add(watch->loop, udev_monitor_get_fd(watch->uevents), devices_ready, watch);
	return 0;
}
