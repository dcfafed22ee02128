// SPDX-License-Identifier: MIT
/*
 * The part of libxenctrl-preload.so that is there for QEMU as a PV backend (-machine xenpv
 * -xen-attach): what it asks of libxendevicemodel, which speaks to Xen through privcmd.
 *
 * Such a QEMU emulates no device, so it opens the library, never asks it for anything, and at most
 * closes it.  The one thing that is handed out must never be dereferenced; the rest of the library
 * stays the real one and would find no privcmd.
 */
#include <xendevicemodel.h>

#define EXPORT __attribute__((visibility("default")))

static char nothing;

EXPORT xendevicemodel_handle *xendevicemodel_open(struct xentoollog_logger *logger,
						  unsigned int open_flags)
{
	(void)logger, (void)open_flags;
	return (xendevicemodel_handle *)&nothing;
}

EXPORT int xendevicemodel_close(xendevicemodel_handle *dmod)
{
	(void)dmod;
	return 0;
}
