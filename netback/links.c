// SPDX-License-Identifier: MIT
/*
 * netif.h, "Link state": the backend's node `carrier` says whether the guest's link is up.  It is
 * as long as the vif's interface is: an admin who takes that down unplugs the guest's cable.
 *
 * The kernel tells of changes by a netlink socket (rtnetlink(7)), which may lose some when there
 * are too many: then all are looked at.
 */
#include "netback/links.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netback/nic.h"

/* One daemon has one supervisor. */
static int link_fd = -1;

bool links_is_up(const char *name)
{
	struct ifreq request = {.ifr_flags = 0};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up;

	if (fd < 0)
		return true;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	up = ioctl(fd, SIOCGIFFLAGS, &request) < 0 || request.ifr_flags & IFF_UP;
	close(fd);
	return up;
}

/* In a transaction that finds our directory there: it is never made again. */
static void carrier_write(struct device *device, bool up)
{
	struct store *store = &device->sup->store;
	int tries = 0, err;

	do {
		store_begin(store);
		err = store_exists(store, "%s/state", device->path) ? 0 : -ENOENT;
		if (err == 0)
			err = store_write(store, device->path, "carrier", "%d", up);
	} while (store_commit(store, &err, &tries));
}

static void links_look(struct device *device, bool up)
{
	struct nic *nic = device->private;

	if (!device->connected || nic->carrier == up || !device->sup->store.xs)
		return;
	nic->carrier = up;
	carrier_write(device, up);
}

static void links_changed(struct sup *sup, unsigned int index, bool up)
{
	for (struct device *device = sup->devices; device; device = device->next) {
		const struct nic *nic = device->private;

		if (nic && nic->tap.index == index)
			links_look(device, up);
	}
}

static void links_look_at_all(struct sup *sup)
{
	for (struct device *device = sup->devices; device; device = device->next) {
		struct nic *nic = device->private;

		if (nic && nic_find(nic))
			links_look(device, links_is_up(nic->tap.name));
	}
}

static void links_parse(struct sup *sup, const void *data, size_t len)
{
	const struct nlmsghdr *message = data;

	for (; NLMSG_OK(message, len); message = NLMSG_NEXT(message, len)) {
		const struct ifinfomsg *info = NLMSG_DATA(message);

		if (message->nlmsg_type == RTM_NEWLINK &&
		    message->nlmsg_len >= NLMSG_LENGTH(sizeof(*info)))
			links_changed(sup, (unsigned int)info->ifi_index, info->ifi_flags & IFF_UP);
	}
}

/* Told once, so all that is there is taken. */
static void links_ready(void *arg, int events)
{
	static char buffer[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct sup *sup = arg;
	ssize_t n;

	(void)events;
	while ((n = recv(link_fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
		links_parse(sup, buffer, (size_t)n);
	if (n < 0 && errno == ENOBUFS)
		links_look_at_all(sup);
}

void links_watch(struct sup *sup)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd;

	if (link_fd >= 0)
		return;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		log_warn("can't follow network interfaces: %s; guests are not told when theirs "
			 "goes down",
			 strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	link_fd = fd;
	loop_poll_add(&sup->loop, fd, links_ready, sup);
}
