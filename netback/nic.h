/* SPDX-License-Identifier: MIT */
/* What the supervisor has of a vif beside its nodes.  See nic.c. */
#ifndef NETBACK_NIC_H
#define NETBACK_NIC_H

#include "common/sup.h"
#include "netback/config.h"
#include "netback/steer.h"
#include "netback/tap.h"

/* Owned by its device. */
struct nic {
	struct device *device;
	struct tap tap;		      /* name "": not made yet */
	struct steer_fds steer;	      /* of one that has had several queues */
	bool carrier;		      /* that its guest was told */
	struct vif_settings settings; /* that its worker was told last */
	bool unsure;		      /* ... but for what its guest has told an earlier one */
	char why[240];		      /* the last refusal */
};

struct nic *nic_get(struct device *device);
/*
 * Makes its interface, and remembers in /run/halfback that it is ours.  0 or -errno with a sentence
 * in nic->why.
 */
int nic_make(struct nic *nic, const char *name);
/* Looks up how its interface is called by now.  False if it was deleted. */
bool nic_find(struct nic *nic);
/* Lets go of it; the interface stays if the device does. */
void nic_release(struct device *device);
/* Deletes interfaces of devices that are no more.  After the store was looked at. */
void nic_sweep(struct sup *sup);

#endif
