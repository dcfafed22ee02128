// SPDX-License-Identifier: MIT
/*
 * Screens are not granted: Linux' fbfront names its pages by frame number, so they are mapped as a
 * toolstack would map them.  The handle could map any guest; the kernel restricts it to ours before
 * anything of the guest is looked at, where it can (Linux 4.14 and later).
 */
#include "pvfb/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xen/sys/privcmd.h>

#include "common/guard.h"
#include "common/log.h"

enum {
	PAGE = 4096
};

/* One guest, one handle. */
static xenforeignmemory_handle *handle;
static uint16_t guest;

int map_open(uint16_t domid)
{
	guest = domid;
	handle = xenforeignmemory_open(NULL, 0);
	if (!handle) {
		int err = -errno;

		log_error("can't open the privileged commands: %s; is xen-privcmd loaded, and is "
			  "this dom0?",
			  strerror(-err));
		return err;
	}
	if (xenforeignmemory_restrict(handle, domid) < 0) {
		if (errno != ENOTTY && errno != EOPNOTSUPP) {
			log_error("can't restrict maps to guest %u: %s", domid, strerror(errno));
			return -errno;
		}
		log_warn("this kernel can't restrict maps to guest %u", domid);
	}
	return 0;
}

/*
 * Failures of single frames are told apart from those of the call: what this host is short of is
 * not its guest's fault, and the next worker may have it.
 */
static void *map_checked(const xen_pfn_t *frames, int *errors, uint32_t count, bool writable)
{
	void *start = xenforeignmemory_map(handle, guest, PROT_READ | (writable ? PROT_WRITE : 0),
					   count, frames, errors);

	if (!start && errno == ENOMEM)
		log_panic("out of memory");
	if (!start)
		return NULL;
	for (uint32_t i = 0; i < count; i++)
		if (errors[i]) {
			xenforeignmemory_unmap(handle, start, count);
			errno = EINVAL;
			return NULL;
		}
	guard_add(start, (size_t)count * PAGE);
	return start;
}

void __guest *map_frames(const uint64_t *frames, uint32_t count, bool writable)
{
	xen_pfn_t *list = calloc(count, sizeof(*list));
	int *errors = calloc(count, sizeof(*errors));
	void *start;
	int err;

	if (!list || !errors)
		log_panic("out of memory");
	for (uint32_t i = 0; i < count; i++)
		list[i] = (xen_pfn_t)frames[i];
	start = map_checked(list, errors, count, writable);
	err = errno;
	free(list);
	free(errors);
	errno = err;
	return start ? guest_mark(start) : NULL;
}

void map_undo(void __guest *mapped, uint32_t count)
{
	if (!mapped)
		return;
	guard_del(guest_unmark(mapped));
	xenforeignmemory_unmap(handle, guest_unmark(mapped), count);
}

/* What libxenforeignmemory does; not among it: hypercalls, device models, resources. */
static const struct filter_rule map_rules[] = {
	FILTER_INT(ioctl, 1, IOCTL_PRIVCMD_MMAPBATCH_V2),
	FILTER_ALLOW(clock_nanosleep), /* while the guest's page is swapped out */
};

const struct filter map_filter = {FILTER_RULES(map_rules)};
