// SPDX-License-Identifier: MIT
/*
 * What a backend does, given its own state and the frontend's: one cell for each pair, so that no
 * pair is an accident.  States are those of xen/io/xenbus.h; the rules are what Linux' netback and
 * blkback and QEMU do, of which the strictest reading was taken:
 *
 * - A backend goes 1 -> 2 -> 4 -> 5 -> 6 (-> 2).  It never skips 5: Windows frontends wait for it.
 * - A frontend may close before it ever connected, and begins again by going to 1.
 * - A frontend that is at 1 while we are at 4 was restarted (kexec, a crash kernel).
 * - The toolstack unplugs by writing 5 into *our* state: a live frontend closes first, then we do.
 */
#include "common/bus.h"

#include <stdint.h>
#include <string.h>

/* Short names, so that the table reads as a table. */
enum {
	____ = BUS_NONE,
	Offr = BUS_OFFER,
	Conn = BUS_CONNECT,
	Clsg = BUS_CLOSING,
	Clos = BUS_CLOSE,
	Rest = BUS_RESTART,
	Reco = BUS_RECONFIGURE,
	Back = BUS_RECONFIGURED,
	Fail = BUS_FAIL,
	Fore = BUS_FOREIGN,
	Forg = BUS_FORGET,
};

static const uint8_t table[BUS_STATES][BUS_STATES] = {
	/* frontend:              gone  1     2     3     4     5     6     7     8     bad backend
	 */
	[BUS_GONE] = {Forg, Forg, Forg, Forg, Forg, Forg, Forg, Forg, Forg, Forg},
	[XenbusStateInitialising] = {____, Offr, Offr, Offr, Offr, Offr, Offr, Offr, Fail, Fail},
	[XenbusStateInitWait] = {Clos, ____, ____, Conn, Conn, Clsg, Clos, ____, Fail, Fail},
	[XenbusStateInitialised] = {Fore, Fore, Fore, Fore, Fore, Fore, Fore, Fore, Fore, Fore},
	[XenbusStateConnected] = {Clos, Rest, ____, ____, ____, Clsg, Clos, Reco, Fail, Fail},
	[XenbusStateClosing] = {Clos, Clos, ____, ____, ____, ____, Clos, ____, ____, Clos},
	[XenbusStateClosed] = {____, Offr, ____, ____, ____, ____, ____, ____, ____, ____},
	[XenbusStateReconfiguring] = {Fore, Fore, Fore, Fore, Fore, Fore, Fore, Fore, Fore, Fore},
	[XenbusStateReconfigured] = {Clos, Rest, ____, ____, Back, Clsg, Clos, ____, Fail, Fail},
	[BUS_BAD] = {Fore, Fore, Fore, Fore, Fore, Fore, Fore, Fore, Fore, Fore},
};

int bus_state(const char *text)
{
	if (!text)
		return BUS_GONE;
	if (text[0] < '1' || text[0] > '8' || text[1] != '\0')
		return BUS_BAD;
	return text[0] - '0';
}

enum bus_action bus_step(int backend, int frontend)
{
	return (enum bus_action)table[backend][frontend];
}

const char *bus_state_name(int state)
{
	static const char *const names[BUS_STATES] = {
		"gone",	   "Initialising", "InitWait",	    "Initialised",  "Connected",
		"Closing", "Closed",	   "Reconfiguring", "Reconfigured", "no known state",
	};

	return names[state];
}
