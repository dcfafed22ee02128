// SPDX-License-Identifier: MIT
/*
 * Frame numbers of granted pages, from the domain's own grant table, as its kernel would know them.
 * Beside xguest the only part of a guest that knows that it is not on real Xen.
 */
#include "loopback/frames.h"

#include <errno.h>

#include "loopback/hvclient.h"

enum {
	FRAME_SHIFT = 32 /* hvproto.h: struct hv_ctl */
};

int frames_of(const uint32_t *refs, unsigned int n, uint64_t *frames)
{
	struct hv *hv = hv_open();
	struct hv_area *own;
	int err = 0;

	if (!hv)
		return -errno;
	own = hv_area_map(hv, hv->domid, false);
	if (!own) {
		err = -errno;
		hv_close(hv);
		return err;
	}
	for (unsigned int i = 0; i < n && !err; i++) {
		if (refs[i] >= HV_MAX_GRANTS)
			err = -EINVAL;
		else
			frames[i] = __atomic_load_n(&own->ctl->grant[refs[i]], __ATOMIC_ACQUIRE) >>
				    FRAME_SHIFT;
	}
	hv_area_unmap(own);
	hv_close(hv);
	return err;
}
