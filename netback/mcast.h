/* SPDX-License-Identifier: MIT */
/* Multicast addresses that a guest wants to get.  See mcast.c. */
#ifndef NETBACK_MCAST_H
#define NETBACK_MCAST_H

#include <stdbool.h>
#include <stdint.h>

enum {
	MCAST_MAX = 64 /* XEN_NETBK_MCAST_MAX of Linux */
};

/* Of one vif, for all its queues; outlives the worker in the journal. */
struct mcast {
	uint64_t address[MCAST_MAX]; /* MCAST_SET and 48 bits; 0: none */
};

/* 0, or -ENOSPC if the list is full, -EINVAL if it is no multicast address.  Any thread. */
int mcast_add(struct mcast *mcast, const uint8_t mac[6]);
/* One that is not there is none.  Any thread. */
void mcast_del(struct mcast *mcast, const uint8_t mac[6]);
/* True for whatever is no multicast, or broadcast, or on the list.  Any thread. */
bool mcast_wanted(const struct mcast *mcast, const uint8_t mac[6]);

#endif
