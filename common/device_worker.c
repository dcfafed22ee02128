// SPDX-License-Identifier: MIT
/*
 * What a device's worker has beside the CONNECT: its statistics, and settings that change later.
 *
 * A device has its statistics' file as long as it is connected.  The worker gets it with the
 * CONNECT and lets go of the descriptor before it looks at anything of the guest.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/stats.h"
#include "common/sup.h"
#include "common/xentop.h"

/* ---- its number ---------------------------------------------------------------------------- */

uint64_t device_devid_max(const struct backend *backend)
{
	return backend->kinds_apart ? UINT32_MAX / SUP_KINDS_MAX - 1 : UINT32_MAX;
}

uint32_t device_number_of(const struct backend *backend, const char *kind, uint32_t devid)
{
	uint32_t place = 0;

	if (!backend->kinds_apart)
		return devid;
	while (strcmp(backend->kinds[place], kind) != 0)
		place++;
	return device_number(devid, place);
}

/* ---- statistics, settings ------------------------------------------------------------------- */

void device_stats_open(struct device *device, struct chan_msg *msg)
{
	const struct stats_identity id = {
		.daemon = device->sup->backend->name,
		.kind = device->kind,
		.engine = device->engine,
		.domid = device->guest->domid,
		.devid = device->devid,
		.generation = device->serial,
	};
	int fd = device->queues > 0 ? stats_create(&id, device->queues) : -ENODATA;

	if (fd == -ENODATA)
		return; /* it has none */
	if (fd < 0) {
		log_guest(&device->limit, "%s %u of guest %u: has no statistics: %s; is /run full?",
			  device->kind, device->devid, device->guest->domid, strerror(-fd));
		return;
	}
	msg->fds[msg->nfds++] = fd;
	msg->stats = 1;
	xentop_link(device);
}

void device_files_sent(struct chan_msg *msg)
{
	int stats = chan_take_stats(msg), journal = chan_take_journal(msg);

	if (stats >= 0)
		close(stats);
	if (journal >= 0)
		close(journal);
}

void device_stats_close(struct device *device)
{
	xentop_unlink(device);
	stats_remove(device->sup->backend->name, device->guest->domid, device->devid);
}

bool device_tune(struct device *device)
{
	struct chan_msg msg = {
		.type = CHAN_TUNE,
		.devid = device->number,
		.serial = device->serial,
	};

	device->tuned = false;
	if (!device->connected || !device->sup->backend->tune(device, &msg))
		return false;
	if (guest_send(device->guest, &msg) == 0)
		return true;
	log_guest(&device->limit, "%s %u of guest %u: its worker does not take new settings",
		  device->kind, device->devid, device->guest->domid);
	return false;
}
