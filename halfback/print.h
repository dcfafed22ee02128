/* SPDX-License-Identifier: MIT */
/* The forms in which disks are shown, each to standard output. */
#ifndef HALFBACK_PRINT_H
#define HALFBACK_PRINT_H

#include "halfback/vbds.h"

/*
 * The name of an operation, by enum stats_op; NULL if such a device has none of them.  A NIC's are
 * packets: those that its guest gets are counted as reads, those that it sends as writes.
 */
const char *op_name(const struct vbd *vbd, int op);

void print_list(const struct vbds *vbds);	/* table.c */
void print_table(const struct vbds *vbds);	/* table.c */
void print_json(const struct vbds *vbds);	/* json.c */
void print_prometheus(const struct vbds *vbds); /* prometheus.c */

#endif
