/* SPDX-License-Identifier: MIT */
/* The xenbus state machine of a backend, as a pure table.  See bus.c. */
#ifndef COMMON_BUS_H
#define COMMON_BUS_H

#include <xen/io/xenbus.h>

/* What a backend has to do. */
enum bus_action {
	BUS_NONE,	  /* wait */
	BUS_OFFER,	  /* check what is to be served, write the features, go to InitWait */
	BUS_CONNECT,	  /* map the rings, serve, go to Connected */
	BUS_CLOSING,	  /* stop serving, go to Closing */
	BUS_CLOSE,	  /* stop serving, go to Closing, then to Closed */
	BUS_RESTART,	  /* as CLOSE, then OFFER: the frontend began anew without closing */
	BUS_RECONFIGURE,  /* read what the frontend asks for anew, go to Reconfigured */
	BUS_RECONFIGURED, /* it has seen that: back to Connected */
	BUS_FAIL,	  /* the frontend's state is none: say so, then CLOSE */
	BUS_FOREIGN,	  /* somebody else moves this device: say so, then leave it alone */
	BUS_FORGET,	  /* the toolstack took our nodes away: stop serving, write nothing */
};

enum {
	BUS_GONE = XenbusStateUnknown,	       /* no state node */
	BUS_BAD = XenbusStateReconfigured + 1, /* no state at all */
	BUS_STATES = BUS_BAD + 1,
};

/* A state node's text as a row or column of the table; NULL is BUS_GONE.  Pure. */
int bus_state(const char *text);

/* The table: both states as bus_state() gives them.  Pure. */
enum bus_action bus_step(int backend, int frontend);

const char *bus_state_name(int state);

#endif
