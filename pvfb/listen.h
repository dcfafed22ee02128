/* SPDX-License-Identifier: MIT */
/* Where a VNC server listens.  See listen.c. */
#ifndef PVFB_LISTEN_H
#define PVFB_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LISTEN_PORT = 5900,	    /* of display 0 */
	LISTEN_DISPLAY_MAX = 59635, /* port 65535 */
	LISTEN_TRIES = 100,	    /* displays that vncunused looks at, as QEMU's to=99 */
};

struct listen_spec {
	char address[64]; /* numeric */
	uint16_t port;
	bool unused; /* or the next one that is free */
};

/*
 * From the nodes vnclisten (ADDR, ADDR:DISPLAY, [ADDR6]:DISPLAY), vncdisplay and vncunused as the
 * toolstack writes them; NULL where there is none.  NULL, or what is wrong, in a sentence.  Pure.
 */
const char *listen_parse(struct listen_spec *spec, const char *vnclisten, const char *vncdisplay,
			 const char *vncunused);

/* A listening socket; *port is where.  -errno: -EADDRINUSE, -EADDRNOTAVAIL, ... */
int listen_open(const struct listen_spec *spec, uint16_t *port);

#endif
