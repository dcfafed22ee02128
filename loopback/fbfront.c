// SPDX-License-Identifier: MIT
/*
 * The reference frontends of screen and keyboard, as Linux' xen-fbfront and xen-kbdfront have them:
 * a page of rings each, and for a screen a directory of its framebuffer's pages beside it.
 *
 * It owns the pages and never reads what it wrote for the backend; hostile ways are for tests.
 */
#include "loopback/fbfront.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loopback/barrier.h"
#include "loopback/front_keys.h"

enum {
	PAGE = 4096,
	KEYS_MAX = 8,
	PD32_AT = 36, /* of a 32-bit guest's struct xenfb_page */
};

/* ---- what both have ------------------------------------------------------------------------- */

static int told(const struct pvpage *p, int err, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", p->front.path, what, strerror(-err));
	return err;
}

static int pvpage_open(struct pvpage *p, struct guest *g, const char *kind, unsigned int devid)
{
	int err = front_open(&p->front, g, kind, devid), port;

	if (err)
		return told(p, err, "this domain has no such device");
	err = front_reset(&p->front, GUEST_TIMEOUT);
	if (err)
		return told(p, err, "the backend did not get ready (state 2)");
	p->page = xengntshr_share_pages(g->gntshr, p->front.backend_id, 1, &p->ref, 1);
	if (!p->page)
		return told(p, -errno, "cannot grant its page");
	memset(p->page, 0, PAGE);
	p->evtchn = xenevtchn_open(NULL, 0);
	port = p->evtchn ? xenevtchn_bind_unbound_port(p->evtchn, p->front.backend_id) : -1;
	if (port < 0)
		return told(p, -errno, "cannot make an event channel");
	p->port = (evtchn_port_t)port;
	return 0;
}

static int pvpage_connect(struct pvpage *p, const struct front_keys *k)
{
	static const char *const stale[] = {
		"page-ref", "page-gref", "event-channel", "protocol", "feature-", "request-", NULL};
	unsigned int set = FRONT_STATE(XenbusStateConnected) | FRONT_STATE(XenbusStateClosing) |
			   FRONT_STATE(XenbusStateClosed) | FRONT_GONE;
	int err = front_publish(&p->front, stale, k->key, k->n, XenbusStateInitialised);

	if (err)
		return told(p, err, "cannot write the device's keys");
	err = front_wait(&p->front, set, GUEST_TIMEOUT);
	if (err < 0)
		return told(p, err, "the backend did not connect");
	if (err != XenbusStateConnected)
		return told(p, -ECONNREFUSED, "the backend closed instead of connecting");
	return front_switch(&p->front, XenbusStateConnected);
}

static int pvpage_close(struct pvpage *p)
{
	int err = p->front.watching ? front_shutdown(&p->front, GUEST_TIMEOUT) : 0;

	if (p->evtchn)
		xenevtchn_close(p->evtchn);
	if (p->page)
		xengntshr_unshare(p->front.guest->gntshr, p->page, 1);
	front_close(&p->front);
	memset(p, 0, sizeof(*p));
	return err == -ENOENT ? 0 : err; /* the toolstack has taken the device away already */
}

int pvpage_fd(const struct pvpage *p)
{
	return xenevtchn_fd(p->evtchn);
}

void pvpage_drain(struct pvpage *p)
{
	int port = xenevtchn_pending(p->evtchn);

	if (port >= 0)
		xenevtchn_unmask(p->evtchn, (evtchn_port_t)port);
}

/* ---- the screen ------------------------------------------------------------------------------ */

static void entry_write(const struct fbfront *fb, void *at, unsigned int index, uint64_t frame)
{
	if (fb->opts.abi32)
		((uint32_t *)at)[index] = (uint32_t)frame;
	else
		((uint64_t *)at)[index] = frame;
}

/* Lists the frames of directory and framebuffer where the backend looks for them. */
static void directory_write(struct fbfront *fb, const uint64_t *list, unsigned int dirs)
{
	char *pd = (char *)fb->shared.page +
		   (fb->opts.abi32 ? PD32_AT : offsetof(struct xenfb_page, pd));

	for (unsigned int i = 0; i < dirs; i++)
		entry_write(fb, pd, i,
			    i + 1 == fb->opts.bad_directory ? fb->opts.bad_value : list[i]);
	for (unsigned int i = 0; i < fb->memory_pages - dirs; i++)
		entry_write(fb, fb->memory, i,
			    i + 1 == fb->opts.bad_frame ? fb->opts.bad_value : list[dirs + i]);
	fb->pixels = (uint8_t *)fb->memory + (size_t)dirs * PAGE;
}

/* Grants directory and framebuffer, for nothing but to have pages. */
static int memory_open(struct fbfront *fb, frames_fn frames)
{
	unsigned int entries = PAGE / (fb->opts.abi32 ? 4 : 8);
	unsigned int pages = (fb->bytes + PAGE - 1) / PAGE, dirs = (pages + entries - 1) / entries;
	uint64_t *list = calloc(dirs + pages, sizeof(*list));
	int err = -ENOMEM;

	fb->memory_pages = dirs + pages;
	fb->refs = calloc(fb->memory_pages, sizeof(*fb->refs));
	if (list && fb->refs) {
		fb->memory = xengntshr_share_pages(fb->shared.front.guest->gntshr,
						   fb->shared.front.backend_id,
						   (int)fb->memory_pages, fb->refs, 1);
		err = fb->memory ? frames(fb->refs, fb->memory_pages, list) : -errno;
	}
	if (fb->memory && !err)
		directory_write(fb, list, dirs);
	free(list);
	return err;
}

static void head_write(const struct fbfront *fb)
{
	struct xenfb_page *page = fb->shared.page;

	page->width = (int32_t)fb->opts.width;
	page->height = (int32_t)fb->opts.height;
	page->line_length = fb->stride;
	page->mem_length = fb->bytes;
	page->depth = (uint8_t)fb->opts.depth;
	page->out_cons = page->out_prod = fb->opts.index;
}

static int fbfront_connect(struct fbfront *fb, frames_fn frames)
{
	uint64_t frame = 0;
	struct front_keys k;
	char text[24];
	int err = memory_open(fb, frames);

	if (!err)
		err = frames(&fb->shared.ref, 1, &frame);
	if (err)
		return told(&fb->shared, err, "cannot make its framebuffer");
	head_write(fb);
	err = front_keys_init(&k, KEYS_MAX + fb->opts.nr_keys);
	if (!err) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)frame);
		front_keys_text(&k, "page-ref", text);
		front_keys_number(&k, fb->shared.port, "event-channel");
		front_keys_text(&k, "protocol", fb->opts.abi32 ? "x86_32-abi" : "x86_64-abi");
		if (!fb->opts.mute)
			front_keys_text(&k, "feature-update", "1");
		for (size_t i = 0; i < fb->opts.nr_keys; i++)
			front_keys_text(&k, fb->opts.keys[i].key, fb->opts.keys[i].value);
		err = pvpage_connect(&fb->shared, &k);
	}
	front_keys_free(&k);
	return err;
}

int fbfront_open(struct fbfront *fb, struct guest *g, unsigned int devid, frames_fn frames,
		 const struct fbfront_opts *opts)
{
	int err;

	memset(fb, 0, sizeof(*fb));
	fb->opts = *opts;
	fb->stride = opts->width * opts->depth / 8;
	fb->bytes = opts->bytes ? opts->bytes : fb->stride * opts->height;
	err = pvpage_open(&fb->shared, g, "vfb", devid);
	if (!err)
		err = fbfront_connect(fb, frames);
	if (err)
		fbfront_close(fb);
	return err;
}

int fbfront_close(struct fbfront *fb)
{
	struct guest *g = fb->shared.front.guest;
	int err = pvpage_close(&fb->shared);

	if (fb->memory)
		xengntshr_unshare(g->gntshr, fb->memory, fb->memory_pages);
	free(fb->refs);
	memset(fb, 0, sizeof(*fb));
	return err;
}

bool fbfront_wanted(const struct fbfront *fb)
{
	return front_read(&fb->shared.front, "request-update", 0) == 1;
}

bool fbfront_put(struct fbfront *fb, const union xenfb_out_event *event)
{
	struct xenfb_page *page = fb->shared.page;
	uint32_t prod = page->out_prod;

	if (prod - __atomic_load_n(&page->out_cons, __ATOMIC_ACQUIRE) >= XENFB_OUT_RING_LEN)
		return false;
	XENFB_OUT_RING_REF(page, prod) = *event;
	/* Partner: the backend's barrier between out_prod and the slot. */
	__atomic_store_n(&page->out_prod, prod + 1, __ATOMIC_RELEASE);
	xenevtchn_notify(fb->shared.evtchn, fb->shared.port);
	return true;
}

bool fbfront_update(struct fbfront *fb, int x, int y, int width, int height)
{
	union xenfb_out_event event = {0};

	event.update = (struct xenfb_update){XENFB_TYPE_UPDATE, x, y, width, height};
	return fbfront_put(fb, &event);
}

bool fbfront_resize(struct fbfront *fb, int width, int height, int stride, int depth, int offset)
{
	union xenfb_out_event event = {0};

	event.resize =
		(struct xenfb_resize){XENFB_TYPE_RESIZE, width, height, stride, depth, offset};
	return fbfront_put(fb, &event);
}

void fbfront_lie(struct fbfront *fb, uint32_t delta)
{
	struct xenfb_page *page = fb->shared.page;

	__atomic_store_n(&page->out_prod, page->out_prod + delta, __ATOMIC_RELEASE);
	xenevtchn_notify(fb->shared.evtchn, fb->shared.port);
}

/* ---- the keyboard ---------------------------------------------------------------------------- */

int kbdfront_open(struct kbdfront *kbd, struct guest *g, unsigned int devid, bool absolute,
		  bool raw)
{
	struct front_keys k;
	int err;

	memset(kbd, 0, sizeof(*kbd));
	err = pvpage_open(&kbd->shared, g, "vkbd", devid);
	if (!err)
		err = front_keys_init(&k, KEYS_MAX);
	if (err) {
		kbdfront_close(kbd);
		return err;
	}
	front_keys_number(&k, kbd->shared.ref, XENKBD_FIELD_RING_GREF);
	front_keys_number(&k, kbd->shared.port, XENKBD_FIELD_EVT_CHANNEL);
	if (absolute)
		front_keys_text(&k, XENKBD_FIELD_REQ_ABS_POINTER, "1");
	if (raw)
		front_keys_text(&k, XENKBD_FIELD_REQ_RAW_POINTER, "1");
	err = pvpage_connect(&kbd->shared, &k);
	front_keys_free(&k);
	if (err)
		kbdfront_close(kbd);
	return err;
}

int kbdfront_close(struct kbdfront *kbd)
{
	return pvpage_close(&kbd->shared);
}

bool kbdfront_take(struct kbdfront *kbd, union xenkbd_in_event *event)
{
	struct xenkbd_page *page = kbd->shared.page;
	uint32_t cons = page->in_cons;

	/* Partner: the backend's barrier between the slot and in_prod. */
	if (cons == __atomic_load_n(&page->in_prod, __ATOMIC_ACQUIRE))
		return false;
	*event = XENKBD_IN_RING_REF(page, cons);
	__atomic_store_n(&page->in_cons, cons + 1, __ATOMIC_RELEASE);
	xenevtchn_notify(kbd->shared.evtchn, kbd->shared.port);
	return true;
}
