/* SPDX-License-Identifier: MIT */
/* The forms in which disks are shown, each to standard output. */
#ifndef HALFBACK_PRINT_H
#define HALFBACK_PRINT_H

#include "halfback/vbds.h"

/* Names of the operations, by enum stats_op. */
extern const char *const op_names[STATS_OPS];

void print_list(const struct vbds *vbds);	/* table.c */
void print_table(const struct vbds *vbds);	/* table.c */
void print_json(const struct vbds *vbds);	/* json.c */
void print_prometheus(const struct vbds *vbds); /* prometheus.c */

#endif
