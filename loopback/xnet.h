/* SPDX-License-Identifier: MIT */
#ifndef LOOPBACK_XNET_H
#define LOOPBACK_XNET_H

#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>

#include "loopback/netfront.h"

struct xnet_opts {
	unsigned int devid;
	char name[IFNAMSIZ]; /* of the interface */
	bool background;
	struct netfront_opts front;
};

/* One queue: of the NIC and of the tap. */
struct xnet_queue {
	struct netfront *nf;
	struct netfront_queue *q;
	int tap;
	int stop_fd;	    /* readable: end */
	unsigned int pages; /* that the longest packet from the tap may take */
	uint64_t oversize;  /* packets that netif.h can't express */
	pthread_t thread;
};

/* xnet_tap.c: @queues fds of a new tap; 0, or -errno, told. */
int tap_open(const struct xnet_opts *o, const struct netfront_info *info, int *fd);
/* Its link as the backend has it. */
void tap_carrier(int fd, bool up);

/* xnet_queue.c: the queue's thread, a struct xnet_queue *. */
void *xnet_queue_run(void *arg);

#endif
