// SPDX-License-Identifier: MIT
/*
 * hv's domains: their memory, their birth and their death.
 *
 * A domain's memory is a sparse memfd that hv keeps mapped.  Frames 0 to 15 are left to the
 * domain's kernel (frame 1 is the store ring page); the rest is handed out for shares.  A freed
 * frame is punched out of the memfd, so it costs nothing and comes back zeroed.  Frames are
 * given out round-robin: a copy that is still under way when its grant ends, which no hypervisor
 * call pins here, then lands on a page that nobody uses yet.
 *
 * domids count up and are not used again before all others were.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <stdint.h>
#include <xen/grant_table.h>
#include <xen/xen.h>
#include "loopback/hv.h"

#define FRAMES_RESERVED 16u
#define DOM0_RAM_MIB	256u
#define RAM_MIB_MAX	(1u << 20)

static TAILQ_HEAD(, domain) domains = TAILQ_HEAD_INITIALIZER(domains);
static uint32_t last_domid;

struct domain *domain_find(uint32_t domid)
{
	struct domain *d;

	TAILQ_FOREACH (d, &domains, link)
		if (d->domid == domid && !d->dead)
			return d;
	return NULL;
}

static bool frame_used(const struct domain *d, uint32_t frame)
{
	return d->frame_used[frame / 64] >> frame % 64 & 1;
}

/* A run of n free frames at or after first, or a frame number past the end. */
static uint32_t frames_run(const struct domain *d, uint32_t first, uint32_t n)
{
	uint32_t frame, run = 0;

	for (frame = first; frame < d->pages; frame++) {
		run = frame_used(d, frame) ? 0 : run + 1;
		if (run == n)
			return frame - n + 1;
	}
	return d->pages;
}

static void frames_take(struct domain *d, uint32_t first, uint32_t n, uint32_t *frames)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		frames[i] = first + i;
		d->frame_used[frames[i] / 64] |= 1ull << frames[i] % 64;
	}
	d->frame_next = first + n;
}

/* Fills frames[], in one run if there is one.  0 or -ENOMEM. */
int frames_alloc(struct domain *d, uint32_t n, uint32_t *frames)
{
	uint32_t i, first = frames_run(d, d->frame_next, n);

	if (first == d->pages)
		first = frames_run(d, FRAMES_RESERVED, n);
	if (first < d->pages) {
		frames_take(d, first, n, frames);
		return 0;
	}
	for (i = 0; i < n; i++) {
		first = frames_run(d, FRAMES_RESERVED, 1);
		if (first == d->pages)
			break;
		frames_take(d, first, 1, &frames[i]);
	}
	if (i == n)
		return 0;
	while (i--)
		frame_free(d, frames[i]);
	return -ENOMEM;
}

static void frames_punch(struct domain *d, uint32_t first, uint32_t n)
{
	if (fallocate(d->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      HV_RAM_OFF + ((off_t)first << HV_PAGE_SHIFT), (off_t)n << HV_PAGE_SHIFT) < 0)
		memset(d->ram + ((size_t)first << HV_PAGE_SHIFT), 0, (size_t)n << HV_PAGE_SHIFT);
}

void frame_free(struct domain *d, uint32_t frame)
{
	d->frame_used[frame / 64] &= ~(1ull << frame % 64);
	frames_punch(d, frame, 1);
}

static void domain_free(struct domain *d)
{
	if (d->ctl)
		munmap(d->ctl, HV_RAM_OFF + ((size_t)d->pages << HV_PAGE_SHIFT));
	if (d->memfd >= 0)
		close(d->memfd);
	free(d->port);
	free(d->grant);
	free(d->frame_used);
	free(d);
}

void domain_put(struct domain *d)
{
	if (!d->dead || d->mapped)
		return;
	TAILQ_REMOVE(&domains, d, link);
	domain_free(d);
}

static int domain_memory(struct domain *d)
{
	size_t size = HV_RAM_OFF + ((size_t)d->pages << HV_PAGE_SHIFT);
	char name[32];
	void *mem;

	snprintf(name, sizeof(name), "xen-dom%u", d->domid);
	d->memfd = memfd_create(name, MFD_CLOEXEC);
	if (d->memfd < 0 || ftruncate(d->memfd, (off_t)size) < 0)
		return -errno;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, d->memfd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	d->ctl = mem;
	d->ram = (uint8_t *)mem + HV_RAM_OFF;
	d->ctl->magic = HV_MAGIC;
	d->ctl->version = HV_VERSION;
	d->ctl->domid = d->domid;
	d->ctl->ram_pages = d->pages;
	return 0;
}

/* The start-info's event channel and grant for the store's ring. */
static int domain_store(struct domain *d)
{
	int port = port_new(d, PORT_UNBOUND, NULL);

	if (port < 0)
		return port;
	d->port[port].reserved = true;
	d->port[port].remote = 0;
	d->ctl->store_port = (uint32_t)port;
	grant_give(d, GNTTAB_RESERVED_XENSTORE, 0, HV_STORE_GFN, false);
	return 0;
}

static struct domain *domain_new(uint32_t domid, uint32_t ram_mib, int *err)
{
	struct domain *d = calloc(1, sizeof(*d));

	*err = -ENOMEM;
	if (!d)
		return NULL;
	d->memfd = -1;
	d->domid = domid;
	d->pages = ram_mib << (20 - HV_PAGE_SHIFT);
	d->frame_next = FRAMES_RESERVED;
	d->ref_next = GNTTAB_NR_RESERVED_ENTRIES;
	d->port = calloc(HV_MAX_PORTS, sizeof(*d->port));
	d->grant = calloc(HV_MAX_GRANTS, sizeof(*d->grant));
	d->frame_used = calloc(d->pages / 64, sizeof(*d->frame_used));
	if (d->port && d->grant && d->frame_used)
		*err = domain_memory(d);
	if (!*err)
		*err = domain_store(d);
	if (*err) {
		domain_free(d);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&domains, d, link);
	return d;
}

int domains_init(void)
{
	int err;

	domain_new(0, DOM0_RAM_MIB, &err);
	return err;
}

/* HV_DOMIDS, or fewer for tests that have numbers come back soon. */
static uint32_t domids(void)
{
	const char *env = getenv("XLOOP_DOMIDS");
	unsigned long n = env ? strtoul(env, NULL, 10) : 0;

	return n > 1 && n < HV_DOMIDS ? (uint32_t)n : HV_DOMIDS;
}

static uint32_t domid_next(void)
{
	do
		last_domid = last_domid + 1 < domids() ? last_domid + 1 : 1;
	while (domain_find(last_domid));
	return last_domid;
}

static int op_create(struct call *c)
{
	uint64_t mib = c->msg->value;
	struct domain *d;
	int err;

	if (c->h->dom->domid)
		return -EPERM;
	if (mib < 1 || mib > RAM_MIB_MAX)
		return -EINVAL;
	d = domain_new(domid_next(), (uint32_t)mib, &err);
	if (!d)
		return err;
	c->msg->domid = d->domid;
	c->msg->port = d->ctl->store_port;
	return 0;
}

/* Gives back all frames but those that somebody still maps. */
static void domain_drop_memory(struct domain *d)
{
	uint32_t ref, frame, first = 0;

	memset(d->frame_used, 0, d->pages / 64 * sizeof(*d->frame_used));
	for (ref = 0; ref < HV_MAX_GRANTS; ref++)
		if (d->grant[ref].used)
			d->frame_used[d->grant[ref].frame / 64] |= 1ull << d->grant[ref].frame % 64;
	for (frame = 0; frame <= d->pages; frame++) {
		if (frame < d->pages && !frame_used(d, frame))
			continue;
		if (frame > first)
			frames_punch(d, first, frame - first);
		first = frame + 1;
	}
}

static int op_destroy(struct call *c)
{
	struct domain *d = domain_find(c->msg->domid);
	uint32_t port;

	if (c->h->dom->domid)
		return -EPERM;
	if (!d)
		return -ESRCH;
	if (!d->domid)
		return -EINVAL;
	handles_end(d);
	for (port = 0; port < HV_MAX_PORTS; port++)
		if (d->port[port].kind != PORT_FREE)
			port_close(d, port);
	d->dead = true;
	__atomic_store_n(&d->ctl->dying, 1, __ATOMIC_RELEASE);
	grants_revoke_all(d);
	domain_drop_memory(d);
	domain_put(d);
	virq_raise(0, VIRQ_DOM_EXC);
	return 0;
}

static int op_list(struct call *c)
{
	struct domain *d;
	uint32_t domid = 0, n = 0;

	TAILQ_FOREACH (d, &domains, link) {
		if (d->dead || n == HV_MAX_REFS)
			continue;
		c->refs[n].domid = d->domid;
		c->refs[n++].ref = d->pages;
		domid = d->domid;
	}
	c->msg->domid = domid;
	c->msg->n = n;
	return 0;
}

static int op_area(struct call *c, bool foreign)
{
	uint32_t domid = c->msg->domid == DOMID_SELF ? c->h->dom->domid : c->msg->domid;
	struct domain *d = domain_find(domid);

	if (foreign && c->h->foreign_only >= 0 && c->h->foreign_only != (int)domid)
		return -EACCES;
	if (foreign && c->h->dom->domid && c->h->dom != d)
		return -EPERM;
	if (!d)
		return -ESRCH;
	c->msg->domid = domid;
	c->msg->value = d->pages;
	c->fds[c->nfds++] = d->memfd;
	return 0;
}

static int op_foreign_restrict(struct call *c)
{
	if (c->h->foreign_only >= 0 && c->h->foreign_only != (int)c->msg->domid)
		return -EACCES;
	if (c->msg->domid >= HV_DOMIDS)
		return -EINVAL;
	c->h->foreign_only = (int)c->msg->domid;
	return 0;
}

int domain_op(struct call *c)
{
	switch (c->msg->op) {
	case HV_AREA:
		return op_area(c, false);
	case HV_FOREIGN:
		return op_area(c, true);
	case HV_FOREIGN_RESTRICT:
		return op_foreign_restrict(c);
	case HV_DOM_CREATE:
		return op_create(c);
	case HV_DOM_DESTROY:
		return op_destroy(c);
	default:
		return op_list(c);
	}
}
