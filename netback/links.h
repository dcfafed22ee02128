/* SPDX-License-Identifier: MIT */
/* Whether the host's end of a vif is up: its guest's carrier.  See links.c. */
#ifndef NETBACK_LINKS_H
#define NETBACK_LINKS_H

#include "common/sup.h"

/* Follows the interfaces of all vifs from now on.  Does nothing if it does already. */
void links_watch(struct sup *sup);
/* True if the interface is up now. */
bool links_is_up(const char *name);

#endif
