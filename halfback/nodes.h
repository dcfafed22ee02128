/* SPDX-License-Identifier: MIT */
/* What the admin's command reads of xenstore.  See nodes.c. */
#ifndef HALFBACK_NODES_H
#define HALFBACK_NODES_H

#include <stdint.h>

#include <xenstore.h>

/*
 * A node's text, in which nothing but printable characters is left.  For free(); NULL if there is
 * no such node, or no store.
 */
char *node_read(struct xs_handle *xs, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Our own domain, in whose directory its backends are. */
uint32_t own_domid(struct xs_handle *xs);

#endif
