/* SPDX-License-Identifier: MIT */
/* A device's statistics where Xen's xentop looks for them.  See xentop.c. */
#ifndef COMMON_XENTOP_H
#define COMMON_XENTOP_H

#include "common/stats.h"
#include "common/sup.h"

/* ---- the supervisor ---------------------------------------------------------------------- */

/* xentop looks for devices of this kind. */
bool xentop_knows(const struct device *device);
/* Writes the node that leads to the statistics.  In a transaction; 0 or -errno. */
int xentop_write_node(struct device *device);
/* Makes, or removes, what the node leads to; for a kind that xentop does not know it does nothing.
 */
void xentop_link(struct device *device);
void xentop_unlink(const struct device *device);

/* ---- the worker -------------------------------------------------------------------------- */

/* Sums up what all queues have counted.  Any queue's thread, now and then. */
void xentop_publish(const struct stats *stats);

#endif
