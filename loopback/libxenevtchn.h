// SPDX-License-Identifier: MIT
/* What the embedded Xen's libxenevtchn has beside the stock interface. */
#ifndef LOOPBACK_LIBXENEVTCHN_H
#define LOOPBACK_LIBXENEVTCHN_H

/* What Xen's header declares is exported, as the .map says; all else is hidden. */
#pragma GCC visibility push(default)
#include <xenevtchn.h>
#pragma GCC visibility pop

struct hv;
struct hv_ref;

/*
 * Takes over a port that hv made for the domain, as a guest's kernel does with the one in its
 * start info.  It is pending at once.  0, or -1 and errno: EINVAL no such port, EBUSY taken.
 * Symbol version XLOOP_1.0.
 */
__attribute__((visibility("default"))) int xloop_evtchn_adopt(xenevtchn_handle *xce,
							      evtchn_port_t port);

/* Inside the library: finds the inherited connection whose eventfd is fd and fills refs with
 * its n ports (.ref) and their remote domains.  NULL and errno. */
struct hv *evtchn_reopen(int fd, struct hv_ref *refs, uint32_t *n);

#endif
