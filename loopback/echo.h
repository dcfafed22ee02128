/* SPDX-License-Identifier: MIT */
/* What is typed and clicked, shown on the guest's screen.  See echo.c. */
#ifndef LOOPBACK_ECHO_H
#define LOOPBACK_ECHO_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/kbdif.h>

#include "loopback/testcard.h"

/* All zero at the beginning. */
struct echo {
	unsigned int column; /* of the next letter */
	int x, y;	     /* where the pointer is */
};

/* Shows an event.  False: it is none to be seen; else `drawn` is x, y, width and height. */
bool echo_event(struct echo *echo, const struct canvas *c, const union xenkbd_in_event *event,
		int drawn[4]);

#endif
