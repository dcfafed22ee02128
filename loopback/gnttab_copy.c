// SPDX-License-Identifier: MIT
/*
 * xengnttab_grant_copy for the embedded Xen: what gntdev and Xen's GNTTABOP_copy do, by memcpy.
 *
 * A segment's foreign side is looked up in the granting domain's shared grant table and read or
 * written through this process's own mapping of its memory, made at the first copy and kept.
 * After that no call is made, no lock is taken.
 *
 * Errors are the real ones: a segment that leaves its page, or has no foreign side, fails the
 * whole call with EINVAL (gntdev); a bad domain, ref, direction or permission goes to the
 * segment's status (Xen's acquire_grant_for_copy: GNTST_general_error also for an unused or
 * read-only grant), and the others are done.  Unlike gntdev, which finds a bad segment when it
 * gets there, the call is checked before anything is copied; and a bad local address faults.
 *
 * The guest may change the page and the grant at any time: the entry is read once, and nothing
 * copied is looked at.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "loopback/gnttab.h"

#define FOREIGN_SIDES (GNTCOPY_source_gref | GNTCOPY_dest_gref)
#define BATCH	      16u /* Linux: GNTDEV_COPY_BATCH */

typedef xengnttab_grant_copy_segment_t segment;

/* What to add to a domain's counters; added once per run of segments of one domain. */
struct tally {
	struct hv_area *area;
	uint64_t ops;
	uint64_t bytes;
};

/* Not a domain, or no more: NULL. */
static struct hv_area *area_add(struct xengntdev_handle *h, uint32_t domid)
{
	struct hv_area *a;

	pthread_mutex_lock(&h->lock);
	for (a = h->areas; a; a = a->next)
		if (a->domid == domid)
			break;
	if (!a) {
		a = hv_area_map(h->hv, domid, true);
		if (a) {
			a->next = h->areas;
			/* Pairs with area_find(): who sees the area sees what is in it. */
			__atomic_store_n(&h->areas, a, __ATOMIC_RELEASE);
		}
	}
	pthread_mutex_unlock(&h->lock);
	return a;
}

static struct hv_area *area_find(struct xengntdev_handle *h, uint32_t domid)
{
	struct hv_area *a;

	if (domid == DOMID_SELF)
		domid = h->hv->domid;
	for (a = __atomic_load_n(&h->areas, __ATOMIC_ACQUIRE); a; a = a->next)
		if (a->domid == domid)
			return a;
	return area_add(h, domid);
}

/* Returns the page of a grant, or NULL and the status why not. */
static uint8_t *grant_page(struct xengntdev_handle *h, struct hv_area *area, uint32_t ref,
			   bool write, int16_t *status)
{
	uint64_t entry, frame;

	if (ref >= HV_MAX_GRANTS) {
		*status = GNTST_bad_gntref;
		return NULL;
	}
	entry = __atomic_load_n(&area->ctl->grant[ref], __ATOMIC_ACQUIRE);
	frame = entry >> 32;
	if ((entry & GTF_type_mask) != GTF_permit_access ||
	    (uint16_t)(entry >> 16) != h->hv->domid || (write && entry & GTF_readonly) ||
	    frame >= area->frames) {
		*status = GNTST_general_error;
		return NULL;
	}
	return area->ram + (frame << HV_PAGE_SHIFT);
}

static void tally_flush(struct xengntdev_handle *h, struct tally *t)
{
	struct hv_op_stats *s;

	if (!t->area)
		return;
	s = &hv_slot(h->hv, t->area->ctl)->granter;
	hv_count(&s->copy_calls, 1);
	hv_count(&s->copy_ops, t->ops);
	hv_count(&s->copy_hypercalls, (t->ops + BATCH - 1) / BATCH);
	hv_count(&s->copy_bytes, t->bytes);
	*t = (struct tally){0};
}

/* Finds one side of the segment.  NULL and seg->status if it can not be had. */
static uint8_t *side_find(struct xengntdev_handle *h, segment *seg, union xengnttab_copy_ptr *side,
			  bool foreign, bool write, struct hv_area **area)
{
	struct hv_area *a;
	uint8_t *page;

	if (!foreign)
		return side->virt;
	a = area_find(h, side->foreign.domid);
	if (!a || __atomic_load_n(&a->ctl->dying, __ATOMIC_RELAXED)) {
		seg->status = GNTST_bad_domain;
		return NULL;
	}
	*area = a;
	page = grant_page(h, a, side->foreign.ref, write, &seg->status);
	return page ? page + side->foreign.offset : NULL;
}

static bool fault_hits(struct hv_ctl *own, struct hv_ctl *granter, segment *seg)
{
	if (hv_fault_take(&granter->fault.copy) || hv_fault_take(&own->fault.copy))
		seg->status = GNTST_general_error;
	else if (hv_fault_take(&granter->fault.copy_eagain) ||
		 hv_fault_take(&own->fault.copy_eagain))
		seg->status = GNTST_eagain;
	return seg->status != GNTST_okay;
}

/* gntdev makes one operation of each local page that the segment touches. */
static uint64_t segment_ops(const segment *seg)
{
	uintptr_t virt;

	if (!seg->len)
		return 0;
	if ((seg->flags & FOREIGN_SIDES) == FOREIGN_SIDES)
		return 1;
	virt = (uintptr_t)(seg->flags & GNTCOPY_source_gref ? seg->dest.virt : seg->source.virt);
	return ((virt & HV_PAGE_MASK) + seg->len + HV_PAGE_MASK) >> HV_PAGE_SHIFT;
}

static void segment_copy(struct xengntdev_handle *h, segment *seg, struct tally *granter,
			 struct tally *total)
{
	struct hv_area *area = NULL;
	uint64_t ops = segment_ops(seg);
	uint8_t *from, *to;

	seg->status = GNTST_okay;
	if (!seg->len)
		return;
	total->ops += ops;
	from = side_find(h, seg, &seg->source, seg->flags & GNTCOPY_source_gref, false, &area);
	to = from ? side_find(h, seg, &seg->dest, seg->flags & GNTCOPY_dest_gref, true, &area)
		  : NULL;
	if (area != granter->area)
		tally_flush(h, granter);
	granter->area = area;
	granter->ops += ops;
	if (!to || !area || fault_hits(h->own->ctl, area->ctl, seg))
		return;
	memcpy(to, from, seg->len);
	granter->bytes += seg->len;
	total->bytes += seg->len;
}

static bool segment_valid(const segment *seg)
{
	if (!(seg->flags & FOREIGN_SIDES))
		return false;
	if (seg->flags & GNTCOPY_source_gref &&
	    seg->source.foreign.offset + seg->len > (int)HV_PAGE_SIZE)
		return false;
	return !(seg->flags & GNTCOPY_dest_gref &&
		 seg->dest.foreign.offset + seg->len > (int)HV_PAGE_SIZE);
}

static void copy_slow(struct hv_ctl *own, struct hv_area *area)
{
	uint64_t us = __atomic_load_n(&own->fault.copy_slow_us, __ATOMIC_RELAXED);
	struct timespec ts;

	if (area)
		us += __atomic_load_n(&area->ctl->fault.copy_slow_us, __ATOMIC_RELAXED);
	if (!us)
		return;
	ts.tv_sec = (time_t)(us / 1000000);
	ts.tv_nsec = (long)(us % 1000000 * 1000);
	nanosleep(&ts, NULL);
}

/* The kernel is short of memory, say: no segment of the call is copied. */
static bool call_fails(struct xengntdev_handle *h, const segment *seg)
{
	const union xengnttab_copy_ptr *foreign =
		seg->flags & GNTCOPY_source_gref ? &seg->source : &seg->dest;
	struct hv_area *area = area_find(h, foreign->foreign.domid);

	return hv_fault_take(&h->own->ctl->fault.copy_call) ||
	       (area && hv_fault_take(&area->ctl->fault.copy_call));
}

int xengnttab_grant_copy(xengnttab_handle *xgt, uint32_t count, segment *segs)
{
	struct hv_op_stats *s = &hv_slot(xgt->hv, xgt->own->ctl)->caller;
	struct tally granter = {0}, total = {0};
	uint32_t i;

	hv_count(&s->copy_calls, 1);
	for (i = 0; i < count; i++) {
		if (segment_valid(&segs[i]))
			continue;
		errno = EINVAL;
		return -1;
	}
	if (count > 0 && call_fails(xgt, &segs[0])) {
		errno = ENOMEM;
		return -1;
	}
	for (i = 0; i < count; i++)
		segment_copy(xgt, &segs[i], &granter, &total);
	copy_slow(xgt->own->ctl, granter.area);
	tally_flush(xgt, &granter);
	hv_count(&s->copy_ops, total.ops);
	hv_count(&s->copy_hypercalls, (total.ops + BATCH - 1) / BATCH);
	hv_count(&s->copy_bytes, total.bytes);
	return 0;
}
