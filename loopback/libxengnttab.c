// SPDX-License-Identifier: MIT
/*
 * Drop-in libxengnttab.so.1 for the embedded Xen, the consumer's side: mapping grants as
 * Linux's gntdev does.  grant_copy is in gnttab_copy.c, the producer's side in libxengntshr.c.
 *
 * hv checks a map and counts it; the pages are then mapped from the granting domain's memfd.
 * The addresses are the caller's; hv must be told when they go, or the grants stay in use.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include "loopback/gnttab.h"

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned open_flags)
{
	(void)logger;
	(void)open_flags;
	return gntdev_open();
}

int xengnttab_close(xengnttab_handle *xgt)
{
	return gntdev_close(xgt);
}

int xengnttab_fd(xengnttab_handle *xgt)
{
	return xgt->hv->sock;
}

int xengnttab_set_max_grants(xengnttab_handle *xgt, uint32_t nr_grants)
{
	struct hv_msg msg = {.op = HV_SET_MAX_GRANTS, .value = nr_grants};
	int rc = hv_call0(xgt->hv, &msg);

	errno = -rc;
	return rc < 0 ? -1 : 0;
}

static void map_undo(struct xengntdev_handle *h, uint32_t id)
{
	struct hv_msg msg = {.op = HV_UNMAP, .id = id};

	hv_call0(h->hv, &msg);
}

/* hv sends one fd per domain, in the order in which the domains first appear. */
static void map_assign(const struct hv_ref *refs, uint32_t n, uint32_t *frames, uint8_t *which)
{
	uint32_t domids[HV_MAX_FDS], i, j, used = 0;

	for (i = 0; i < n; i++) {
		for (j = 0; j < used && domids[j] != refs[i].domid; j++)
			;
		if (j == used && used < HV_MAX_FDS)
			domids[used++] = refs[i].domid;
		which[i] = (uint8_t)j;
		frames[i] = refs[i].ref;
	}
}

/* refs holds the request; returns the mapping, or NULL and errno. */
static void *map_refs(struct xengntdev_handle *h, struct hv_ref *refs, struct hv_msg *msg, int prot)
{
	uint32_t n = msg->n, *frames = calloc(n, sizeof(*frames));
	uint8_t *which = calloc(n, 1);
	int fds[HV_MAX_FDS], rc = -ENOMEM;
	void *start = NULL;
	unsigned i;

	if (frames && which)
		rc = hv_call(h->hv, msg, refs, n, fds, HV_MAX_FDS);
	if (!rc) {
		map_assign(refs, n, frames, which);
		start = frames_map(frames, which, n, fds, prot);
		rc = start ? mapping_add(h, start, n, msg->id) : -errno;
		for (i = 0; i < HV_MAX_FDS && fds[i] >= 0; i++)
			close(fds[i]);
		if (rc) {
			map_undo(h, msg->id);
			if (start)
				munmap(start, (size_t)n << HV_PAGE_SHIFT);
		}
	}
	free(frames);
	free(which);
	errno = -rc;
	return rc ? NULL : start;
}

/* domids advances by stride: 0 takes the same for all refs. */
static void *map_grants(struct xengntdev_handle *h, uint32_t n, const uint32_t *domids,
			uint32_t stride, const uint32_t *refs, int prot, struct hv_msg *msg)
{
	struct hv_ref *list;
	void *start;
	uint32_t i;

	if (!n || n > HV_MAX_REFS) {
		errno = EINVAL;
		return NULL;
	}
	list = calloc(n, sizeof(*list));
	if (!list)
		return NULL;
	for (i = 0; i < n; i++)
		list[i] = (struct hv_ref){.domid = domids[i * stride], .ref = refs[i]};
	msg->op = HV_MAP;
	msg->n = n;
	if (prot & PROT_WRITE)
		msg->flags |= HV_WRITABLE;
	start = map_refs(h, list, msg, prot);
	free(list);
	return start;
}

void *xengnttab_map_grant_refs(xengnttab_handle *xgt, uint32_t count, uint32_t *domids,
			       uint32_t *refs, int prot)
{
	struct hv_msg msg = {0};

	return map_grants(xgt, count, domids, 1, refs, prot, &msg);
}

void *xengnttab_map_domain_grant_refs(xengnttab_handle *xgt, uint32_t count, uint32_t domid,
				      uint32_t *refs, int prot)
{
	struct hv_msg msg = {0};

	return map_grants(xgt, count, &domid, 0, refs, prot, &msg);
}

void *xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid, uint32_t ref, int prot)
{
	return xengnttab_map_domain_grant_refs(xgt, 1, domid, &ref, prot);
}

void *xengnttab_map_grant_ref_notify(xengnttab_handle *xgt, uint32_t domid, uint32_t ref, int prot,
				     uint32_t notify_offset, evtchn_port_t notify_port)
{
	struct hv_msg msg = {.offset = notify_offset, .port = notify_port};

	if (notify_offset < HV_PAGE_SIZE)
		msg.flags |= HV_CLEAR_BYTE;
	if (notify_port != (evtchn_port_t)-1)
		msg.flags |= HV_SEND_EVENT;
	return map_grants(xgt, 1, &domid, 0, &ref, prot, &msg);
}

int xengnttab_unmap(xengnttab_handle *xgt, void *start_address, uint32_t count)
{
	struct hv_msg msg = {.op = HV_UNMAP};
	int rc = mapping_take(xgt, start_address, count, &msg.id);

	if (!rc && munmap(start_address, (size_t)count << HV_PAGE_SHIFT) < 0)
		rc = -errno;
	if (!rc)
		rc = hv_call0(xgt->hv, &msg);
	errno = -rc;
	return rc < 0 ? -1 : 0;
}

int xengnttab_dmabuf_exp_from_refs(xengnttab_handle *xgt, uint32_t domid, uint32_t flags,
				   uint32_t count, const uint32_t *refs, uint32_t *fd)
{
	(void)xgt, (void)domid, (void)flags, (void)count, (void)refs, (void)fd;
	errno = EOPNOTSUPP;
	return -1;
}

int xengnttab_dmabuf_exp_wait_released(xengnttab_handle *xgt, uint32_t fd, uint32_t wait_to_ms)
{
	(void)xgt, (void)fd, (void)wait_to_ms;
	errno = EOPNOTSUPP;
	return -1;
}

int xengnttab_dmabuf_imp_to_refs(xengnttab_handle *xgt, uint32_t domid, uint32_t fd, uint32_t count,
				 uint32_t *refs)
{
	(void)xgt, (void)domid, (void)fd, (void)count, (void)refs;
	errno = EOPNOTSUPP;
	return -1;
}

int xengnttab_dmabuf_imp_release(xengnttab_handle *xgt, uint32_t fd)
{
	(void)xgt, (void)fd;
	errno = EOPNOTSUPP;
	return -1;
}
