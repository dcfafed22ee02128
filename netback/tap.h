/* SPDX-License-Identifier: MIT */
/* The network interface of a vif, as its supervisor makes it.  See tap.c. */
#ifndef NETBACK_TAP_H
#define NETBACK_TAP_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	READ_NOWAIT = 8, /* RWF_NOWAIT; linux/fs.h wraps it in what sparse does not know */
	TAP_QUEUES_MAX = 16
};

/* Owned by its device's nic. */
struct tap {
	char name[IFNAMSIZ]; /* as of the last look: scripts rename it */
	unsigned int index;  /* which stays; 0: not made yet */
	int fds[TAP_QUEUES_MAX];
	uint32_t nfds;
};

/* A name that Linux takes for an interface.  Pure. */
bool tap_name_is_valid(const char *name);
/* Makes the interface, with no queue and so without carrier.  0 or -errno: -EEXIST if one is there.
 */
int tap_make(struct tap *tap, const char *name);
/* Looks up how the interface is called now.  False if it was deleted. */
bool tap_find(struct tap *tap, unsigned int index);
/* Its MTU; 0 or -errno. */
int tap_set_mtu(const struct tap *tap, uint32_t mtu);
/*
 * Opens `count` queues, unless they are open, by which it gets its carrier; and sets which offloads
 * its frames may have (TUN_F_...).  O_NONBLOCK, unless io_uring is to use them and each read can
 * say that it does not wait (RWF_NOWAIT).  0 or -errno.
 */
int tap_open(struct tap *tap, uint32_t count, unsigned int offload, bool uring);
/* Closes its queues; the interface stays, without carrier. */
void tap_close(struct tap *tap);
/* Deletes the interface of that name, if it is a tap. */
void tap_delete(const char *name);

#endif
