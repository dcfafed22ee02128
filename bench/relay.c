// SPDX-License-Identifier: MIT
/*
 * The least that can stand between two taps: reads a packet from one, writes it to the other, both
 * ways, super-packets and blank checksums whole.  It is what a backend's taps cost without a ring.
 *
 * relay NAME1 PID2 NAME2 QUEUES: NAME1 is made in this network, NAME2 in that of process PID2.  A
 * thread for each queue; it ends by a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define QUEUES 16
#define BURST  64
#define PACKET (65536 + 64) /* with its virtio header */

struct pair {
	int fd[2];
	pthread_t thread;
	char packet[PACKET];
};

static struct pair pairs[QUEUES];

static int tap_open(const char *name, int queues)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (queues > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) ||
	    ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)) {
		fprintf(stderr, "relay: cannot make %s: %s\n", name, strerror(errno));
		exit(1);
	}
	return fd;
}

static int burst(struct pair *p, int from)
{
	int n = 0;

	for (; n < BURST; n++) {
		ssize_t len = read(p->fd[from], p->packet, sizeof(p->packet));

		if (len <= 0)
			break;
		len = write(p->fd[!from], p->packet, (size_t)len);
		(void)len; /* an interface that is down loses it */
	}
	return n;
}

static void *pair_run(void *arg)
{
	struct pair *p = arg;

	for (;;) {
		struct pollfd pfd[] = {{.fd = p->fd[0], .events = POLLIN},
				       {.fd = p->fd[1], .events = POLLIN}};

		if (burst(p, 0) + burst(p, 1) == 0)
			poll(pfd, 2, -1);
	}
	return NULL;
}

static void network_enter(const char *pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && !setns(fd, CLONE_NEWNET))
		return;
	fprintf(stderr, "relay: cannot enter the network of process %s: %s\n", pid,
		strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	int queues = argc == 5 ? atoi(argv[4]) : 0;

	if (queues < 1 || queues > QUEUES) {
		fprintf(stderr, "usage: relay NAME1 PID2 NAME2 QUEUES\n");
		return 2;
	}
	for (int i = 0; i < queues; i++)
		pairs[i].fd[0] = tap_open(argv[1], queues);
	network_enter(argv[2]);
	for (int i = 0; i < queues; i++)
		pairs[i].fd[1] = tap_open(argv[3], queues);
	for (int i = 0; i < queues; i++)
		if (pthread_create(&pairs[i].thread, NULL, pair_run, &pairs[i]))
			return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
