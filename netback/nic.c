// SPDX-License-Identifier: MIT
/*
 * Interfaces and whose they are.  A file of /run/halfback, netback-DOMID-DEVID.tap, has name and
 * index of the interface of each device from before it is made until after it is deleted.  So a
 * supervisor knows those of its predecessor, deletes those of devices that went meanwhile, and
 * takes no interface that is somebody else's, whatever its name (Debian #658305).
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

enum {
	RECORD = 64
};

struct record {
	char name[IFNAMSIZ];
	unsigned int index;
};

static struct runfile nic_runfile(const struct device *device)
{
	return (struct runfile){device->sup->backend->name, device->guest->domid, device->devid,
				tap_kind};
}

/* A name and an index, each on a line of its own; the index is 0 while the interface is made. */
static bool record_read(const struct runfile *name, struct record *record)
{
	char path[PATH_MAX], text[RECORD + 1] = "";
	ssize_t n;
	int fd;

	memset(record, 0, sizeof(*record));
	runfile_path(path, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	n = fd < 0 ? -1 : read(fd, text, RECORD);
	if (fd >= 0)
		close(fd);
	return n == RECORD && sscanf(text, "%15s %u", record->name, &record->index) == 2 &&
	       tap_name_is_valid(record->name);
}

static int record_write(const struct runfile *name, const char *interface, unsigned int index)
{
	char text[RECORD] = "";
	int fd = runfile_create(name, 0600, sizeof(text));
	ssize_t n;

	if (fd < 0)
		return fd;
	snprintf(text, sizeof(text), "%s\n%u\n", interface, index);
	n = pwrite(fd, text, sizeof(text), 0);
	close(fd);
	return n == (ssize_t)sizeof(text) ? 0 : -EIO;
}

/* The interface of a record, whatever it is called by now. */
static bool record_find(const struct record *record, struct tap *tap)
{
	unsigned int index = record->index ? record->index : if_nametoindex(record->name);

	return tap_find(tap, index);
}

struct nic *nic_get(struct device *device)
{
	struct nic *nic = device->private;

	if (!nic) {
		nic = calloc(1, sizeof(*nic));
		if (!nic)
			log_panic("out of memory");
		nic->device = device;
		nic->steer = (struct steer_fds){-1, -1};
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
	struct runfile file = nic_runfile(nic->device);
	struct record record;
	int err;

	if (nic_find(nic))
		return 0;
	tap_close(&nic->tap);
	if (record_read(&file, &record) && record_find(&record, &nic->tap))
		return record_write(&file, nic->tap.name, nic->tap.index);
	if (if_nametoindex(name) != 0)
		return nic_refuse(nic, -EEXIST, name);
	err = record_write(&file, name, 0);
	if (err == 0)
		err = tap_make(&nic->tap, name);
	if (err == 0)
		err = record_write(&file, name, nic->tap.index);
	if (err < 0)
		runfile_remove(&file);
	return err < 0 ? nic_refuse(nic, err, name) : 0;
}

bool nic_find(struct nic *nic)
{
	return tap_find(&nic->tap, nic->tap.index);
}

void nic_release(struct device *device)
{
	struct runfile file = nic_runfile(device);
	struct nic *nic = device->private;

	if (!nic)
		return;
	tap_close(&nic->tap);
	steer_close(&nic->steer);
	if (device->forgotten) {
		if (nic_find(nic))
			tap_delete(nic->tap.name);
		runfile_remove(&file);
	}
	if (!device->forgotten && !device->sup->stopping)
		return;
	device->private = NULL;
	free(nic);
}

static void sweep_one(const struct runfile *name, void *arg)
{
	const struct sup *sup = arg;
	struct record record;
	struct tap tap = {.nfds = 0};

	for (const struct device *device = sup->devices; device; device = device->next)
		if (device->guest->domid == name->domid && device->devid == name->devid)
			return;
	if (record_read(name, &record) && record_find(&record, &tap))
		tap_delete(tap.name);
	runfile_remove(name);
}

void nic_sweep(struct sup *sup)
{
	runfile_each(sup->backend->name, tap_kind, sweep_one, sup);
}
