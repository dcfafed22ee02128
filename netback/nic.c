// SPDX-License-Identifier: MIT
/*
 * Interfaces and whose they are.  A file of /run/halfback, netback-DOMID-DEVID.tap, names the
 * interface of each device from before it is made until after it is deleted.  So a supervisor knows
 * those of its predecessor, deletes those of devices that went meanwhile, and takes no interface
 * that is somebody else's, whatever the toolstack's `vifname` says (Debian #658305).
 */
#include "netback/nic.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/runfile.h"

static const char tap_kind[] = "tap";

static struct runfile nic_runfile(const struct device *device)
{
	return (struct runfile){device->sup->backend->name, device->guest->domid, device->devid,
				tap_kind};
}

static bool record_read(const struct runfile *name, char text[IFNAMSIZ])
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	runfile_path(path, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	n = fd < 0 ? -1 : read(fd, text, IFNAMSIZ);
	if (fd >= 0)
		close(fd);
	if (n != IFNAMSIZ)
		return false;
	text[IFNAMSIZ - 1] = '\0';
	return tap_name_is_valid(text);
}

static int record_write(const struct runfile *name, const char *text)
{
	char whole[IFNAMSIZ] = "";
	int fd = runfile_create(name, 0600, sizeof(whole));
	ssize_t n;

	if (fd < 0)
		return fd;
	snprintf(whole, sizeof(whole), "%s", text);
	n = pwrite(fd, whole, sizeof(whole), 0);
	close(fd);
	return n == (ssize_t)sizeof(whole) ? 0 : -EIO;
}

struct nic *nic_get(struct device *device)
{
	struct nic *nic = device->private;

	if (!nic) {
		nic = calloc(1, sizeof(*nic));
		if (!nic)
			log_panic("out of memory");
		nic->device = device;
		device->private = nic;
	}
	return nic;
}

static int nic_refuse(struct nic *nic, int err, const char *name)
{
	if (err == -EEXIST)
		snprintf(nic->why, sizeof(nic->why),
			 "there is a network interface %s already, which is not this vif's; give "
			 "the vif another vifname, or delete that interface",
			 name);
	else if (err == -ENOENT || err == -ENODEV)
		snprintf(nic->why, sizeof(nic->why), "can't open /dev/net/tun: %s; modprobe tun",
			 strerror(-err));
	else
		snprintf(nic->why, sizeof(nic->why), "can't make the network interface %s: %s",
			 name, strerror(-err));
	return err;
}

int nic_make(struct nic *nic, const char *name)
{
	struct runfile record = nic_runfile(nic->device);
	char known[IFNAMSIZ] = "";
	bool ours = record_read(&record, known) && strcmp(known, name) == 0;
	int err = 0;

	if (strcmp(nic->tap.name, name) == 0 && if_nametoindex(name) != 0)
		return 0;
	tap_close(&nic->tap);
	if (known[0] && !ours)
		tap_delete(known); /* the toolstack has given it another name meanwhile */
	if (!ours && if_nametoindex(name) != 0)
		return nic_refuse(nic, -EEXIST, name);
	if (!ours)
		err = record_write(&record, name);
	if (err == 0)
		err = tap_make(&nic->tap, name, ours);
	if (err < 0)
		runfile_remove(&record);
	return err < 0 ? nic_refuse(nic, err, name) : 0;
}

void nic_release(struct device *device)
{
	struct runfile record = nic_runfile(device);
	struct nic *nic = device->private;

	if (!nic)
		return;
	tap_close(&nic->tap);
	if (device->forgotten && nic->tap.name[0]) {
		tap_delete(nic->tap.name);
		runfile_remove(&record);
	}
	if (!device->forgotten && !device->sup->stopping)
		return;
	device->private = NULL;
	free(nic);
}

static void sweep_one(const struct runfile *name, void *arg)
{
	const struct sup *sup = arg;
	char known[IFNAMSIZ];

	for (const struct device *device = sup->devices; device; device = device->next)
		if (device->guest->domid == name->domid && device->devid == name->devid)
			return;
	if (record_read(name, known))
		tap_delete(known);
	runfile_remove(name);
}

void nic_sweep(struct sup *sup)
{
	runfile_each(sup->backend->name, tap_kind, sweep_one, sup);
}
