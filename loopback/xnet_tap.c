// SPDX-License-Identifier: MIT
/*
 * The guest's interface: a tap in its network, with a queue for each of the NIC's and a virtio
 * header before each packet, so that super-packets and blank checksums go through whole.  What the
 * backend does not take, the guest's own stack is made to do: that is what TUNSETOFFLOAD is for.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loopback/xnet.h"

static int tap_error(const struct xnet_opts *o, const char *what)
{
	int err = -errno;

	fprintf(stderr, "xnet: cannot %s %s: %s\n", what, o->name, strerror(-err));
	return err;
}

static unsigned int tap_offload(const struct netfront_info *info)
{
	unsigned int flags = 0;

	/* The guest's stack has one flag for both, and would not send TSO without it. */
	if (!info->csum4 || !info->csum6)
		return 0;
	flags |= TUN_F_CSUM;
	if (info->gso4)
		flags |= TUN_F_TSO4;
	if (info->gso6)
		flags |= TUN_F_TSO6;
	return flags;
}

static int queue_open(const struct xnet_opts *o, const struct netfront_info *info, int *fd)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

	if (info->queues > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(ifr.ifr_name, o->name, sizeof(ifr.ifr_name));
	*fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0)
		return tap_error(o, "open /dev/net/tun for");
	if (ioctl(*fd, TUNSETIFF, &ifr))
		return tap_error(o, "make");
	if (ioctl(*fd, TUNSETOFFLOAD, tap_offload(info)))
		return tap_error(o, "set the offloads of");
	return 0;
}

static int name_ioctl(int sock, unsigned long request, struct ifreq *ifr, const struct xnet_opts *o,
		      const char *what)
{
	memcpy(ifr->ifr_name, o->name, sizeof(ifr->ifr_name));
	return ioctl(sock, request, ifr) ? tap_error(o, what) : 0;
}

static int tap_configure(const struct xnet_opts *o, const struct netfront_info *info)
{
	static const uint8_t none[NETFRONT_MAC];
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;
	struct ifreq ifr = {.ifr_hwaddr.sa_family = ARPHRD_ETHER};

	if (sock < 0)
		return tap_error(o, "configure");
	memcpy(ifr.ifr_hwaddr.sa_data, info->mac, NETFRONT_MAC);
	if (memcmp(info->mac, none, NETFRONT_MAC))
		err = name_ioctl(sock, SIOCSIFHWADDR, &ifr, o, "set the address of");
	memset(&ifr, 0, sizeof(ifr));
	/* Without sg a packet is one slot and fits one page. */
	ifr.ifr_mtu = (int)(info->sg || info->mtu <= 1500 ? info->mtu : 1500);
	if (!err)
		err = name_ioctl(sock, SIOCSIFMTU, &ifr, o, "set the MTU of");
	memset(&ifr, 0, sizeof(ifr));
	if (!err)
		err = name_ioctl(sock, SIOCGIFFLAGS, &ifr, o, "look at");
	ifr.ifr_flags |= IFF_UP;
	if (!err)
		err = name_ioctl(sock, SIOCSIFFLAGS, &ifr, o, "bring up");
	close(sock);
	return err;
}

int tap_open(const struct xnet_opts *o, const struct netfront_info *info, int *fd)
{
	int err = 0;

	for (unsigned int i = 0; i < info->queues && !err; i++)
		err = queue_open(o, info, &fd[i]);
	return err ? err : tap_configure(o, info);
}

void tap_carrier(int fd, bool up)
{
	int carrier = up;

	ioctl(fd, TUNSETCARRIER, &carrier);
}
