// SPDX-License-Identifier: MIT
/*
 * The layout of a vfb's shared page, and what may be believed of it: nothing.  Each word is read
 * once; what is longer is copied first.
 *
 * The head is one of fbif.h's struct xenfb_page, whose directory starts where its guest's unsigned
 * long aligns it: at 36 in 32-bit guests, at 40 in others.  The ring of events to the guest, which
 * starts at 1024, is never written: no guest needs what could be said there (REFRESH_PERIOD), and
 * large framebuffers of guests that know no better have their directory in it.
 */
#include "pvfb/fbpage.h"

#include <errno.h>
#include <stddef.h>

#include <xen/xen.h>
#include <xen/io/fbif.h>

enum {
	WIDTH_AT = offsetof(struct xenfb_page, width),
	DEPTH_AT = offsetof(struct xenfb_page, depth),
	OUT_CONS_AT = offsetof(struct xenfb_page, out_cons),
	OUT_PROD_AT = offsetof(struct xenfb_page, out_prod),
	PD32_AT = 36,
	PD64_AT = 40,
	PD_END = XENFB_IN_RING_OFFS,
};

_Static_assert(offsetof(struct xenfb_page, pd) == PD64_AT, "fbif.h as a 64-bit guest has it");
_Static_assert(XENFB_OUT_RING_LEN == FB_OUT_SLOTS, "fbif.h");
_Static_assert(sizeof(union xenfb_out_event) == FB_SLOT_WORDS * 4, "fbif.h");

static uint32_t word(const void __guest *page, size_t at)
{
	return guest_read32((const uint32_t __guest *)((const char __guest *)page + at));
}

void fbpage_head(struct fb_head *head, const void __guest *page)
{
	head->claim.width = (int32_t)word(page, WIDTH_AT);
	head->claim.height = (int32_t)word(page, WIDTH_AT + 4);
	head->claim.stride = (int32_t)word(page, WIDTH_AT + 8);
	head->bytes = word(page, WIDTH_AT + 12);
	head->claim.depth = (int32_t)(word(page, DEPTH_AT) & 0xff); /* a byte */
	head->claim.offset = 0;
}

/* With one directory, word 40 is a 32-bit guest's second entry: none. */
enum fb_abi fbpage_abi(const void __guest *page)
{
	return word(page, PD64_AT) == 0 ? FB_ABI_32 : FB_ABI_64;
}

static uint32_t entry_size(enum fb_abi abi)
{
	return abi == FB_ABI_32 ? 4 : 8;
}

int fbpage_directory(struct fb_directory *dir, enum fb_abi abi, uint32_t bytes)
{
	uint32_t per_dir = FB_PAGE / entry_size(abi);
	uint32_t at = abi == FB_ABI_32 ? PD32_AT : PD64_AT;

	dir->abi = abi;
	dir->pages = bytes / FB_PAGE + (bytes % FB_PAGE != 0);
	dir->dirs = (dir->pages + per_dir - 1) / per_dir;
	if (dir->pages == 0)
		return -EINVAL;
	return dir->dirs > (PD_END - at) / entry_size(abi) ? -EFBIG : 0;
}

static uint64_t entry(const void __guest *from, size_t at, enum fb_abi abi)
{
	uint64_t low = word(from, at);

	return abi == FB_ABI_32 ? low : low | (uint64_t)word(from, at + 4) << 32;
}

uint64_t fbpage_dir(const void __guest *page, enum fb_abi abi, uint32_t index)
{
	size_t at = abi == FB_ABI_32 ? PD32_AT : PD64_AT;

	return entry(page, at + (size_t)index * entry_size(abi), abi);
}

uint64_t fbpage_frame(const void __guest *dirs, enum fb_abi abi, uint32_t index)
{
	return entry(dirs, (size_t)index * entry_size(abi), abi);
}

/* ---- the ring ------------------------------------------------------------------------------- */

uint32_t fbpage_cons(const void __guest *page)
{
	return word(page, OUT_CONS_AT);
}

uint32_t fbpage_pending(const void __guest *page, uint32_t cons)
{
	uint32_t count = word(page, OUT_PROD_AT) - cons;

	/* Partner: the frontend's barrier between its event and out_prod. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return count;
}

void fb_event_parse(struct fb_event *event, const uint32_t slot[FB_SLOT_WORDS])
{
	const int32_t *field = (const int32_t *)slot + 1; /* fbif.h aligns all of them so */

	switch (slot[0] & 0xff) {
	case XENFB_TYPE_UPDATE:
		event->type = FB_EVENT_UPDATE;
		for (int i = 0; i < 4; i++)
			event->update[i] = field[i];
		break;
	case XENFB_TYPE_RESIZE:
		event->type = FB_EVENT_RESIZE;
		event->resize =
			(struct geometry_claim){field[0], field[1], field[2], field[3], field[4]};
		break;
	default:
		event->type = FB_EVENT_UNKNOWN;
	}
}

void fbpage_take(struct fb_event *event, const void __guest *page, uint32_t cons)
{
	size_t at = XENFB_OUT_RING_OFFS + cons % FB_OUT_SLOTS * XENFB_OUT_EVENT_SIZE;
	uint32_t slot[FB_SLOT_WORDS];

	guest_copy_from(slot, (const char __guest *)page + at, FB_SLOT_WORDS);
	fb_event_parse(event, slot);
}

bool fbpage_retire(void __guest *page, uint32_t cons, uint32_t before)
{
	/* Partner: the frontend's barrier between out_cons and its next event.  Ours are copied. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	guest_write32((uint32_t __guest *)((char __guest *)page + OUT_CONS_AT), cons);
	/*
	 * Partner: what lies between a frontend's out_prod and its look at out_cons, a notification
	 * at least.  Either it sees the room, or we that it had none.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return word(page, OUT_PROD_AT) - before >= FB_OUT_SLOTS / 2;
}
