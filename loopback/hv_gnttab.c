// SPDX-License-Identifier: MIT
/*
 * hv's grants: who gave which frame, who maps it, and what happens when either ends.
 *
 * The rules are gntdev's and gntalloc's: a map succeeds for all its refs or for none; a grant
 * that is withdrawn while it is mapped stays in limbo, its frame unused by others, until the
 * last map goes; a map or share may have a release notification (clear a byte, send an event)
 * which is carried out when it ends, also by the death of its process.
 *
 * Copies never come here: clients read the shared grant entries, which only hv writes.
 */
#include <errno.h>
#include <stdlib.h>
#include <stdint.h>
#include <xen/grant_table.h>
#include <xen/xen.h>
#include "loopback/hv.h"

static uint32_t frames[HV_MAX_REFS];

static void entry_write(struct domain *d, uint32_t ref, uint64_t entry)
{
	__atomic_store_n(&d->ctl->grant[ref], entry, __ATOMIC_RELEASE);
}

void grant_give(struct domain *d, uint32_t ref, uint32_t to, uint32_t frame, bool readonly)
{
	d->grant[ref] = (struct grant){.used = true, .frame = frame};
	d->ctl->now.grants++;
	entry_write(d, ref,
		    (uint64_t)frame << 32 | (uint64_t)to << 16 | GTF_permit_access |
			    (readonly ? GTF_readonly : 0));
}

static void grant_free(struct domain *d, uint32_t ref)
{
	struct grant *g = &d->grant[ref];

	if (g->limbo)
		d->ctl->now.limbo--;
	else
		d->ctl->now.grants--;
	entry_write(d, ref, 0);
	g->used = g->limbo = false;
	frame_free(d, g->frame);
}

/* The owner withdraws it. */
static void grant_withdraw(struct domain *d, uint32_t ref)
{
	struct grant *g = &d->grant[ref];

	if (!g->used || g->limbo)
		return;
	if (!g->maps) {
		grant_free(d, ref);
		return;
	}
	g->limbo = true;
	d->ctl->now.grants--;
	d->ctl->now.limbo++;
}

void grants_revoke_all(struct domain *d)
{
	uint32_t ref;

	for (ref = 0; ref < HV_MAX_GRANTS; ref++)
		grant_withdraw(d, ref);
}

/* Shows in the entry's flags, as Xen does, how the grant is mapped. */
static void entry_mark(struct domain *d, uint32_t ref)
{
	struct grant *g = &d->grant[ref];
	uint64_t entry = d->ctl->grant[ref] & ~(uint64_t)(GTF_reading | GTF_writing);

	if (g->maps)
		entry |= GTF_reading;
	if (g->writers)
		entry |= GTF_writing;
	entry_write(d, ref, entry);
}

static void ref_map(struct domain *d, uint32_t ref, bool writable)
{
	d->mapped++;
	d->grant[ref].maps++;
	d->grant[ref].writers += writable;
	entry_mark(d, ref);
}

static void ref_unmap(struct domain *d, uint32_t ref, bool writable)
{
	struct grant *g = &d->grant[ref];

	d->mapped--;
	g->maps--;
	g->writers -= writable;
	entry_mark(d, ref);
	if (g->limbo && !g->maps)
		grant_free(d, ref);
}

/* A map's release refers to a port of the mapping domain and must hold it. */
static int release_init(struct call *c, struct release *r)
{
	r->flags = c->msg->flags & HV_RELEASE_MASK;
	r->offset = c->msg->offset;
	r->port = c->msg->port;
	if (r->flags & HV_CLEAR_BYTE && r->offset >= HV_PAGE_SIZE)
		return -EINVAL;
	return r->flags & HV_SEND_EVENT ? port_get(c->h->dom, r->port) : 0;
}

static void release_run(struct handle *h, struct release *r, uint8_t *page)
{
	if (r->flags & HV_CLEAR_BYTE)
		__atomic_store_n(page + r->offset, 0, __ATOMIC_RELEASE);
	if (!(r->flags & HV_SEND_EVENT))
		return;
	port_notify_peer(h->dom, r->port);
	port_put(h->dom, r->port);
}

static void release_drop(struct handle *h, struct release *r)
{
	if (r->flags & HV_SEND_EVENT)
		port_put(h->dom, r->port);
}

static struct hv_stat_slot *slot(struct handle *h, struct domain *d)
{
	return &d->ctl->slot[h->id % HV_STAT_SLOTS];
}

static void map_end(struct handle *h, struct map *m)
{
	struct domain *d = m->refs[0].dom;
	uint32_t i;

	release_run(h, &m->release,
		    d->ram + ((size_t)d->grant[m->refs[0].ref].frame << HV_PAGE_SHIFT));
	hv_count(&slot(h, h->dom)->caller.unmap_calls, 1);
	hv_count(&slot(h, h->dom)->caller.unmap_ops, m->n);
	hv_count(&slot(h, d)->granter.unmap_calls, 1);
	for (i = 0; i < m->n; i++) {
		d = m->refs[i].dom;
		hv_count(&slot(h, d)->granter.unmap_ops, 1);
		ref_unmap(d, m->refs[i].ref, m->writable);
		domain_put(d);
	}
	h->mapped -= m->n;
	h->dom->ctl->now.maps -= m->n;
	LIST_REMOVE(m, link);
	free(m);
}

/* May h's domain map this grant so?  Anything that Xen would refuse is EINVAL to gntdev. */
static int ref_check(struct handle *h, const struct hv_ref *r, bool writable, struct map_ref *out)
{
	uint64_t entry;

	out->dom = domain_find(r->domid == DOMID_SELF ? h->dom->domid : r->domid);
	out->ref = r->ref;
	if (!out->dom || r->ref >= HV_MAX_GRANTS || !out->dom->grant[r->ref].used)
		return -EINVAL;
	entry = out->dom->ctl->grant[r->ref];
	if ((entry & GTF_type_mask) != GTF_permit_access ||
	    (uint16_t)(entry >> 16) != h->dom->domid || (writable && entry & GTF_readonly))
		return -EINVAL;
	return 0;
}

/* Adds the memory of a map's domains to the reply, in order of first appearance. */
static int map_fds(struct call *c, const struct map *m)
{
	uint32_t i;
	unsigned j;

	for (i = 0; i < m->n; i++) {
		for (j = 0; j < c->nfds && c->fds[j] != m->refs[i].dom->memfd; j++)
			;
		if (j < c->nfds)
			continue;
		if (c->nfds == HV_MAX_FDS)
			return -E2BIG;
		c->fds[c->nfds++] = m->refs[i].dom->memfd;
	}
	return 0;
}

static int map_check(struct call *c, struct map *m)
{
	uint32_t i;
	int rc;

	m->n = c->msg->n;
	m->writable = c->msg->flags & HV_WRITABLE;
	if (c->msg->flags & HV_CLEAR_BYTE && !m->writable)
		return -EINVAL;
	for (i = 0; i < m->n; i++) {
		rc = ref_check(c->h, &c->refs[i], m->writable, &m->refs[i]);
		if (rc < 0)
			return rc;
	}
	if (hv_fault_take(&c->h->dom->ctl->fault.map) ||
	    hv_fault_take(&m->refs[0].dom->ctl->fault.map))
		return -ENOMEM;
	rc = map_fds(c, m);
	return rc < 0 ? rc : release_init(c, &m->release);
}

static void map_begin(struct call *c, struct map *m)
{
	struct handle *h = c->h;
	uint32_t i;

	hv_count(&slot(h, m->refs[0].dom)->granter.map_calls, 1);
	hv_count(&slot(h, h->dom)->caller.map_ops, m->n);
	for (i = 0; i < m->n; i++) {
		hv_count(&slot(h, m->refs[i].dom)->granter.map_ops, 1);
		ref_map(m->refs[i].dom, m->refs[i].ref, m->writable);
		c->refs[i].domid = m->refs[i].dom->domid;
		c->refs[i].ref = m->refs[i].dom->grant[m->refs[i].ref].frame;
	}
	h->mapped += m->n;
	h->dom->ctl->now.maps += m->n;
	m->id = ++h->next_id;
	LIST_INSERT_HEAD(&h->maps, m, link);
	c->msg->id = m->id;
}

static int op_map(struct call *c)
{
	struct map *m;
	int rc;

	hv_count(&slot(c->h, c->h->dom)->caller.map_calls, 1);
	if (!c->msg->n)
		return -EINVAL;
	if (c->h->mapped + c->msg->n > c->h->max_grants)
		return -ENOMEM;
	m = calloc(1, sizeof(*m) + c->msg->n * sizeof(m->refs[0]));
	if (!m)
		return -ENOMEM;
	rc = map_check(c, m);
	if (rc < 0) {
		free(m);
		return rc;
	}
	map_begin(c, m);
	return 0;
}

static int op_unmap(struct call *c)
{
	struct map *m;

	LIST_FOREACH (m, &c->h->maps, link)
		if (m->id == c->msg->id)
			break;
	if (!m)
		return -ENOENT;
	map_end(c->h, m);
	return 0;
}

/* Free refs for a share; 0 or -ENOSPC. */
static int refs_find(struct domain *d, uint32_t n, uint32_t *refs)
{
	uint32_t tried, ref = d->ref_next, got = 0;

	for (tried = 0; tried < HV_MAX_GRANTS && got < n; tried++, ref++) {
		if (ref == HV_MAX_GRANTS)
			ref = GNTTAB_NR_RESERVED_ENTRIES;
		if (ref >= GNTTAB_NR_RESERVED_ENTRIES && !d->grant[ref].used)
			refs[got++] = ref;
	}
	d->ref_next = ref;
	return got < n ? -ENOSPC : 0;
}

static int share_check(struct call *c, struct share *s)
{
	int rc = refs_find(c->h->dom, s->n, s->refs);

	if (!rc)
		rc = release_init(c, &s->release);
	if (rc < 0)
		return rc;
	rc = frames_alloc(c->h->dom, s->n, frames);
	if (rc < 0)
		release_drop(c->h, &s->release);
	return rc;
}

static int op_share(struct call *c)
{
	struct handle *h = c->h;
	uint32_t i, n = (uint32_t)c->msg->value;
	uint32_t to = c->msg->domid == DOMID_SELF ? h->dom->domid : c->msg->domid;
	struct share *s;
	int rc;

	if (!n || c->msg->value > HV_MAX_REFS || to >= HV_DOMIDS)
		return -EINVAL;
	s = calloc(1, sizeof(*s) + n * sizeof(s->refs[0]));
	if (!s)
		return -ENOMEM;
	s->n = n;
	rc = share_check(c, s);
	if (rc < 0) {
		free(s);
		return rc;
	}
	for (i = 0; i < n; i++) {
		grant_give(h->dom, s->refs[i], to, frames[i], !(c->msg->flags & HV_WRITABLE));
		c->refs[i] = (struct hv_ref){.domid = frames[i], .ref = s->refs[i]};
	}
	s->id = ++h->next_id;
	LIST_INSERT_HEAD(&h->shares, s, link);
	c->msg->id = s->id;
	c->msg->n = n;
	return 0;
}

static void share_end(struct handle *h, struct share *s)
{
	struct domain *d = h->dom;
	uint32_t i;

	release_run(h, &s->release, d->ram + ((size_t)d->grant[s->refs[0]].frame << HV_PAGE_SHIFT));
	for (i = 0; i < s->n; i++)
		grant_withdraw(d, s->refs[i]);
	LIST_REMOVE(s, link);
	free(s);
}

static int op_unshare(struct call *c)
{
	struct share *s;

	LIST_FOREACH (s, &c->h->shares, link)
		if (s->id == c->msg->id)
			break;
	if (!s)
		return -ENOENT;
	share_end(c->h, s);
	return 0;
}

void gnttab_handle_end(struct handle *h)
{
	struct map *m, *next_map;
	struct share *s, *next_share;

	for (m = LIST_FIRST(&h->maps); m; m = next_map) {
		next_map = LIST_NEXT(m, link);
		map_end(h, m);
	}
	for (s = LIST_FIRST(&h->shares); s; s = next_share) {
		next_share = LIST_NEXT(s, link);
		share_end(h, s);
	}
}

int gnttab_op(struct call *c)
{
	switch (c->msg->op) {
	case HV_MAP:
		return op_map(c);
	case HV_UNMAP:
		return op_unmap(c);
	case HV_SHARE:
		return op_share(c);
	case HV_UNSHARE:
		return op_unshare(c);
	default:
		if (c->msg->value > HV_MAX_GRANTS)
			return -EINVAL;
		c->h->max_grants = c->msg->value;
		return 0;
	}
}
