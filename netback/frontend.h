/* SPDX-License-Identifier: MIT */
/* A vif's frontend, as its directory describes it.  See frontend.c. */
#ifndef NETBACK_FRONTEND_H
#define NETBACK_FRONTEND_H

#include <stddef.h>

#include "common/sup.h"
#include "netback/vif.h"

/*
 * Reads features, rings and event channels into `connect`.  In a transaction; 0 or -errno, with a
 * sentence in `why` if it is the guest's fault.
 */
int frontend_read_vif(struct device *device, struct vif_connect *connect, char *why,
		      size_t why_size);

/* Multicast filtering and headroom, as it wants them now.  0 or -errno. */
int frontend_read_wishes(struct device *device, struct vif_settings *settings);

#endif
