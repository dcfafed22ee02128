// SPDX-License-Identifier: MIT
/*
 * Drop-in libxenforeignmemory.so.1 for the embedded Xen: maps guest frames by number.
 *
 * Domain 0 may map any domain, a domain its own frames (its kernel would); hv checks that and
 * the restriction.  A frame past the end of RAM gets EINVAL in err[] and is left inaccessible.
 * There are no mappable resources: those calls fail with EOPNOTSUPP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
/* What Xen's header declares is exported, as the .map says; all else is hidden. */
#pragma GCC visibility push(default)
#include <xenforeignmemory.h>
#pragma GCC visibility pop
#include "loopback/hvclient.h"

struct xenforeignmemory_handle {
	struct hv *hv;
	struct hv_area *own;
};

xenforeignmemory_handle *xenforeignmemory_open(struct xentoollog_logger *logger,
					       unsigned open_flags)
{
	xenforeignmemory_handle *fmem = calloc(1, sizeof(*fmem));

	(void)logger;
	(void)open_flags;
	if (!fmem)
		return NULL;
	fmem->hv = hv_open();
	fmem->own = fmem->hv ? hv_area_map(fmem->hv, fmem->hv->domid, false) : NULL;
	if (fmem->own)
		return fmem;
	xenforeignmemory_close(fmem);
	return NULL;
}

int xenforeignmemory_close(xenforeignmemory_handle *fmem)
{
	int err = errno;

	if (!fmem)
		return 0;
	hv_area_unmap(fmem->own);
	hv_close(fmem->hv);
	free(fmem);
	errno = err;
	return 0;
}

/* Maps frame arr[i] at its place in the reservation; 0 or an errno value. */
static int frame_map(uint8_t *at, xen_pfn_t gfn, uint64_t frames, int fd, int prot)
{
	if (gfn >= frames)
		return EINVAL;
	if (mmap(at, HV_PAGE_SIZE, prot, MAP_SHARED | MAP_FIXED, fd,
		 HV_RAM_OFF + ((off_t)gfn << HV_PAGE_SHIFT)) == MAP_FAILED)
		return errno;
	return 0;
}

/* The first error, or 0; with err, all of them there. */
static int frames_map_all(uint8_t *start, const xen_pfn_t *arr, size_t pages, uint64_t frames,
			  int fd, int prot, int *err)
{
	int rc, first = 0;
	size_t i;

	for (i = 0; i < pages; i++) {
		rc = frame_map(start + i * HV_PAGE_SIZE, arr[i], frames, fd, prot);
		if (err)
			err[i] = rc;
		if (rc && !first)
			first = rc;
	}
	return first;
}

void *xenforeignmemory_map2(xenforeignmemory_handle *fmem, uint32_t dom, void *addr, int prot,
			    int flags, size_t pages, const xen_pfn_t arr[], int err[])
{
	struct hv_msg msg = {.op = HV_FOREIGN, .domid = dom};
	int fd, rc = hv_call(fmem->hv, &msg, NULL, 0, &fd, 1);
	size_t size = pages * HV_PAGE_SIZE;
	void *start;

	if (rc < 0) {
		errno = -rc;
		return NULL;
	}
	start = mmap(addr, size, PROT_NONE,
		     (flags & ~MAP_SHARED) | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED) {
		rc = errno;
		start = NULL;
	} else {
		rc = frames_map_all(start, arr, pages, msg.value, fd, prot, err);
		hv_count(&hv_slot(fmem->hv, fmem->own->ctl)->caller.foreign_maps, pages);
		if (rc && !err) {
			munmap(start, size);
			start = NULL;
		}
	}
	close(fd);
	errno = rc;
	return start;
}

void *xenforeignmemory_map(xenforeignmemory_handle *fmem, uint32_t dom, int prot, size_t pages,
			   const xen_pfn_t arr[], int err[])
{
	return xenforeignmemory_map2(fmem, dom, NULL, prot, 0, pages, arr, err);
}

int xenforeignmemory_unmap(xenforeignmemory_handle *fmem, void *addr, size_t pages)
{
	(void)fmem;
	return munmap(addr, pages * HV_PAGE_SIZE);
}

int xenforeignmemory_restrict(xenforeignmemory_handle *fmem, domid_t domid)
{
	struct hv_msg msg = {.op = HV_FOREIGN_RESTRICT, .domid = domid};
	int rc = hv_call0(fmem->hv, &msg);

	errno = -rc;
	return rc < 0 ? -1 : 0;
}

xenforeignmemory_resource_handle *
xenforeignmemory_map_resource(xenforeignmemory_handle *fmem, domid_t domid, unsigned int type,
			      unsigned int id, unsigned long frame, unsigned long nr_frames,
			      void **paddr, int prot, int flags)
{
	(void)fmem, (void)domid, (void)type, (void)id, (void)frame, (void)nr_frames;
	(void)paddr, (void)prot, (void)flags;
	errno = EOPNOTSUPP;
	return NULL;
}

int xenforeignmemory_unmap_resource(xenforeignmemory_handle *fmem,
				    xenforeignmemory_resource_handle *fres)
{
	(void)fmem, (void)fres;
	errno = EOPNOTSUPP;
	return -1;
}

int xenforeignmemory_resource_size(xenforeignmemory_handle *fmem, domid_t domid, unsigned int type,
				   unsigned int id, size_t *size)
{
	(void)fmem, (void)domid, (void)type, (void)id, (void)size;
	errno = EOPNOTSUPP;
	return -1;
}
