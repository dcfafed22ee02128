/* SPDX-License-Identifier: MIT */
/* The little of QEMU's machine protocol that libxl asks a PV guest's device model.  See qmp.c. */
#ifndef DEVMODEL_QMP_H
#define DEVMODEL_QMP_H

#include <stddef.h>

/* A socket that listens at `path`, in place of what was left there.  A descriptor or -errno. */
int qmp_listen(const char *path);
/* Sends a new client the greeting.  0 or -errno. */
int qmp_greet(int client);
/*
 * Reads commands and answers each.  `parser` is the client's, made by qmp_parser().  0, or -errno
 * once the client is gone or talks nonsense.
 */
int qmp_serve(int client, void *parser);
/* What query-vnc says from now on, instead of no. */
void qmp_vnc_is(const char *host, const char *port);
void *qmp_parser(void);
void qmp_parser_free(void *parser);

#endif
