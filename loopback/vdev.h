/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_VDEV_H
#define LOOPBACK_VDEV_H

/*
 * A virtual disk's number, by xen-vbd-interface(7): "xvda" is 51712, any number is itself.
 * -EINVAL for what is no disk's name.
 */
int vdev_number(const char *name);

#endif
