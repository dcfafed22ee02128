// SPDX-License-Identifier: MIT
/*
 * Drop-in libxengnttab.so.1 for the embedded Xen, the producer's side: sharing pages as Linux's
 * gntalloc does.
 *
 * hv takes fresh zeroed frames of the caller's own domain, grants them and tells which they
 * are; they are mapped here from the domain's memfd, writable.  What is unshared while the peer
 * still maps it stays alive, out of reach, until the peer is done.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include "loopback/gnttab.h"

xengntshr_handle *xengntshr_open(struct xentoollog_logger *logger, unsigned open_flags)
{
	(void)logger;
	(void)open_flags;
	return gntdev_open();
}

int xengntshr_close(xengntshr_handle *xgs)
{
	return gntdev_close(xgs);
}

int xengntshr_fd(xengntshr_handle *xgs)
{
	return xgs->hv->sock;
}

static void share_undo(struct xengntdev_handle *h, uint32_t id)
{
	struct hv_msg msg = {.op = HV_UNSHARE, .id = id};

	hv_call0(h->hv, &msg);
}

/* list[].domid are the frames of a share; maps them.  NULL and errno. */
static void *share_map(struct xengntdev_handle *h, const struct hv_ref *list, uint32_t n)
{
	struct hv_msg msg = {.op = HV_AREA, .domid = h->hv->domid};
	uint32_t i, *frames = calloc(n, sizeof(*frames));
	void *start = NULL;
	int fd, rc;

	if (!frames)
		return NULL;
	for (i = 0; i < n; i++)
		frames[i] = list[i].domid;
	rc = hv_call(h->hv, &msg, NULL, 0, &fd, 1);
	if (rc) {
		errno = -rc;
	} else {
		start = frames_map(frames, NULL, n, &fd, PROT_READ | PROT_WRITE);
		close(fd);
	}
	free(frames);
	return start;
}

static void *share(struct xengntdev_handle *h, struct hv_msg *msg, uint32_t *refs)
{
	uint32_t i, n = (uint32_t)msg->value;
	struct hv_ref *list = calloc(n, sizeof(*list));
	int rc = list ? hv_call(h->hv, msg, list, n, NULL, 0) : -ENOMEM;
	void *start = NULL;

	if (!rc) {
		start = share_map(h, list, n);
		rc = start ? mapping_add(h, start, n, msg->id) : -errno;
		if (rc) {
			share_undo(h, msg->id);
			if (start)
				munmap(start, (size_t)n << HV_PAGE_SHIFT);
		}
	}
	for (i = 0; !rc && i < n; i++)
		refs[i] = list[i].ref;
	free(list);
	errno = -rc;
	return rc ? NULL : start;
}

void *xengntshr_share_pages(xengntshr_handle *xgs, uint32_t domid, int count, uint32_t *refs,
			    int writable)
{
	struct hv_msg msg = {.op = HV_SHARE, .domid = domid};

	if (count <= 0 || (uint32_t)count > HV_MAX_REFS) {
		errno = EINVAL;
		return NULL;
	}
	msg.value = (uint64_t)count;
	msg.flags = writable ? HV_WRITABLE : 0;
	return share(xgs, &msg, refs);
}

void *xengntshr_share_page_notify(xengntshr_handle *xgs, uint32_t domid, uint32_t *ref,
				  int writable, uint32_t notify_offset, evtchn_port_t notify_port)
{
	struct hv_msg msg = {.op = HV_SHARE,
			     .domid = domid,
			     .value = 1,
			     .offset = notify_offset,
			     .port = notify_port};

	msg.flags = writable ? HV_WRITABLE : 0;
	if (notify_offset < HV_PAGE_SIZE)
		msg.flags |= HV_CLEAR_BYTE;
	if (notify_port != (evtchn_port_t)-1)
		msg.flags |= HV_SEND_EVENT;
	return share(xgs, &msg, ref);
}

int xengntshr_unshare(xengntshr_handle *xgs, void *start_address, uint32_t count)
{
	struct hv_msg msg = {.op = HV_UNSHARE};
	int rc = mapping_take(xgs, start_address, count, &msg.id);

	if (!rc && munmap(start_address, (size_t)count << HV_PAGE_SHIFT) < 0)
		rc = -errno;
	if (!rc)
		rc = hv_call0(xgs->hv, &msg);
	errno = -rc;
	return rc < 0 ? -1 : 0;
}
