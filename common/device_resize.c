// SPDX-License-Identifier: MIT
/*
 * A connected device that gets another size: the worker hears of it first, for a guest that is told
 * may use the new end at once; then the nodes and the same state are written again.
 */
#include <signal.h>

#include <xen/io/xenbus.h>

#include "common/sup.h"

void device_resize(struct device *device)
{
	struct chan_msg msg = {.type = CHAN_RESIZE, .devid = device->number};

	if (!device->connected || !device->sup->backend->resize(device, &msg))
		return;
	msg.serial = device->serial;
	if (guest_send(device->guest, &msg) < 0) /* it is dying: the next one hears of it */
		kill(device->guest->pid, SIGKILL);
	device->phase = DEVICE_RESIZING;
}

void device_resized(struct device *device)
{
	device->phase = DEVICE_IDLE;
	device->dirty = true;
	device_announce(device, XenbusStateConnected, device->sup->backend->write_connected);
}
