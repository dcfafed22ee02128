// SPDX-License-Identifier: MIT
/*
 * A tap with the name that the toolstack expects, made before the hotplug script runs and
 * persistent (TUNSETPERSIST): whoever of us dies, its bridge, addresses, routes and rules stay, and
 * the next one opens it again.  It is deleted with its device.
 *
 * With no queue open it has no carrier, as netback's interface before its guest has connected.  The
 * supervisor keeps the queues open beside the worker, so that the carrier stays and frames wait in
 * the kernel when the worker dies.
 */
#include "netback/tap.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

bool tap_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	/* dev_valid_name() of Linux' net/core/dev.c; and % would be a pattern. */
	for (; *name; name++)
		if (*name == '/' || *name == ':' || *name == '%' || isspace((unsigned char)*name))
			return false;
	return true;
}

/* One queue of the interface of that name, which is made if it is not there. */
static int queue_open(const char *name, short more)
{
	struct ifreq request = {
		.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE | more),
	};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int interface_call(struct ifreq *request, const char *name, unsigned long call)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
	err = ioctl(fd, call, request) < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* What Linux' netback has: an address that no guest's can be, so that bridges take no other. */
static int set_address(const char *name)
{
	struct ifreq request = {.ifr_hwaddr.sa_family = ARPHRD_ETHER};

	memcpy(request.ifr_hwaddr.sa_data, "\xfe\xff\xff\xff\xff\xff", 6);
	return interface_call(&request, name, SIOCSIFHWADDR);
}

int tap_make(struct tap *tap, const char *name)
{
	int fd = queue_open(name, IFF_TUN_EXCL), err;

	if (fd < 0)
		return fd == -EBUSY ? -EEXIST : fd;
	err = ioctl(fd, TUNSETPERSIST, 1) < 0 ? -errno : 0;
	if (err == 0)
		err = set_address(name);
	close(fd);
	if (err < 0) {
		tap_delete(name);
		return err;
	}
	snprintf(tap->name, sizeof(tap->name), "%s", name);
	tap->index = if_nametoindex(name);
	return tap->index ? 0 : -errno;
}

bool tap_find(struct tap *tap, unsigned int index)
{
	tap->index = index && if_indextoname(index, tap->name) ? index : 0;
	return tap->index != 0;
}

int tap_set_mtu(const struct tap *tap, uint32_t mtu)
{
	struct ifreq request = {.ifr_mtu = (int)mtu};

	return interface_call(&request, tap->name, SIOCSIFMTU);
}

void tap_close(struct tap *tap)
{
	while (tap->nfds > 0)
		close(tap->fds[--tap->nfds]);
}

/* Whether it can be asked for a frame without waiting: tapio.c.  All taps are alike. */
static bool tap_can_nowait(int fd)
{
	static int can = -1;
	char byte;
	struct iovec iov = {&byte, 1};

	if (can < 0)
		can = preadv2(fd, &iov, 1, -1, READ_NOWAIT) >= 0 || errno != EOPNOTSUPP;
	return can;
}

int tap_open(struct tap *tap, uint32_t count, unsigned int offload, bool uring)
{
	int on = 1, none = -1;

	if (tap->nfds != count)
		tap_close(tap);
	while (tap->nfds < count) {
		int fd = queue_open(tap->name, 0);

		if (fd < 0) {
			tap_close(tap);
			return fd;
		}
		tap->fds[tap->nfds++] = fd;
		if (!(uring && tap_can_nowait(fd)) && fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
			return -errno;
	}
	/* A worker that died may have taken it (rxq.c). */
	if (ioctl(tap->fds[0], TUNSETCARRIER, &on) < 0)
		return -errno;
	/* Nor is this connection's hash that of the last (steer.c); old kernels have no such thing.
	 */
	ioctl(tap->fds[0], TUNSETSTEERINGEBPF, &none);
	return ioctl(tap->fds[0], TUNSETOFFLOAD, offload) < 0 ? -errno : 0;
}

void tap_delete(const char *name)
{
	int fd;

	if (if_nametoindex(name) == 0)
		return;
	fd = queue_open(name, 0);
	if (fd < 0)
		return;
	ioctl(fd, TUNSETPERSIST, 0);
	close(fd);
}
