// SPDX-License-Identifier: MIT
/*
 * The shared page is the guest's to scribble on.  Our indices are private; of its side only
 * req_prod, rsp_event and, at attach, rsp_prod are read, each once where it is used.
 *
 * The protocol is that of xen/io/ring.h; its macros dereference the shared page directly, so the
 * few that a backend needs are spelled here through guest.h.
 */
#include "common/ring.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include <xen/xen.h>
#include <xen/io/ring.h>

#include "common/crash.h"

struct sring {
	uint32_t req_prod, req_event;
	uint32_t rsp_prod, rsp_event;
	uint8_t pad[48];
	uint32_t slots[];
};

DEFINE_RING_TYPES(check, uint32_t, uint32_t);
static_assert(offsetof(struct sring, rsp_prod) == offsetof(struct check_sring, rsp_prod) &&
		      offsetof(struct sring, slots) == offsetof(struct check_sring, ring),
	      "struct sring is ring.h's");

enum {
	RING_PAGE = 4096
};

/* Full barriers; a virtual machine's CPUs are always more than one (Xen's own headers say mb()). */
static inline void ring_mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void ring_wmb(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void ring_rmb(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static uint32_t round_down_pow2(uint32_t n)
{
	return 1u << (31 - __builtin_clz(n));
}

uint32_t ring_slots(uint32_t order, uint32_t slot_size)
{
	uint32_t bytes = (RING_PAGE << order) - (uint32_t)offsetof(struct sring, slots);

	return round_down_pow2(bytes / slot_size);
}

/* ---- answers ------------------------------------------------------------------------------ */

static uint32_t *answer(const struct ring *ring, uint32_t index)
{
	return ring->answers->words[index & (ring->slots - 1)];
}

/* Pairs with answers_resume() of the next worker, which sees what is before this store. */
static void answers_commit(const struct ring *ring)
{
	crash_point();
	__atomic_store_n(&ring->answers->until, ring->rsp_prod_pvt, __ATOMIC_RELEASE);
}

static void answers_show(const struct ring *ring)
{
	uint32_t words = ring->slot_size / 4;

	if (words > RING_ANSWER_WORDS)
		words = RING_ANSWER_WORDS;
	for (uint32_t i = ring->rsp_pushed; i != ring->rsp_prod_pvt; i++)
		guest_copy_to(ring_slot(ring, i), answer(ring, i), words);
}

/* What the worker before this one had committed to: more than the ring has is no number of its. */
static void answers_resume(struct ring *ring)
{
	uint32_t until = __atomic_load_n(&ring->answers->until, __ATOMIC_ACQUIRE);

	if (until - ring->rsp_pushed > ring->slots)
		return;
	ring->rsp_prod_pvt = until;
	ring_push(ring); /* who connects notifies the guest in any case */
}

void ring_respond(struct ring *ring, const void *response, size_t words)
{
	uint32_t *to = answer(ring, ring->rsp_prod_pvt++);

	memcpy(to, response, words * 4);
	memset(to + words, 0, (RING_ANSWER_WORDS - words) * 4); /* nothing of ours (XSA-216) */
}

/* ---- mapping ------------------------------------------------------------------------------ */

int ring_map(struct ring *ring, xengnttab_handle *xgt, uint16_t domid, const uint32_t *refs,
	     uint32_t order, uint32_t slot_size, bool resume, struct ring_answers *answers)
{
	uint32_t grants[RING_PAGES_MAX];
	void *mapped;

	if (order > RING_ORDER_MAX)
		return -EINVAL;
	ring->pages = 1u << order;
	for (uint32_t i = 0; i < ring->pages; i++)
		grants[i] = refs[i];
	mapped = xengnttab_map_domain_grant_refs(xgt, ring->pages, domid, grants,
						 PROT_READ | PROT_WRITE);
	if (!mapped)
		return -errno;
	ring->shared = guest_mark(mapped);
	ring->slot_size = slot_size;
	ring->slots = ring_slots(order, slot_size);
	ring->rsp_pushed = resume ? guest_read32(&ring->shared->rsp_prod) : 0;
	ring->rsp_prod_pvt = ring->rsp_pushed;
	ring->answers = answers;
	if (resume && answers)
		answers_resume(ring);
	ring->req_cons = ring->rsp_pushed;
	return 0;
}

void ring_unmap(struct ring *ring, xengnttab_handle *xgt)
{
	if (!ring->shared)
		return;
	xengnttab_unmap(xgt, guest_unmark(ring->shared), ring->pages);
	ring->shared = NULL;
}

void __guest *ring_slot(const struct ring *ring, uint32_t index)
{
	uint32_t at = (index & (ring->slots - 1)) * ring->slot_size;

	return (char __guest *)ring->shared->slots + at;
}

int ring_pending(const struct ring *ring)
{
	uint32_t req_prod = guest_read32(&ring->shared->req_prod);

	/* Pairs with the guest's barrier between its requests and req_prod. */
	ring_rmb();
	/*
	 * RING_REQUEST_PROD_OVERFLOW: no guest has more requests under way than there are slots.
	 * Answers count once they are pushed, which is when a guest can know of them.
	 */
	if (req_prod - ring->rsp_pushed > ring->slots)
		return -EPROTO;
	/* req_prod behind what was taken already is the same kind of lie. */
	if (req_prod - ring->rsp_pushed < ring->req_cons - ring->rsp_pushed)
		return -EPROTO;
	return (int)(req_prod - ring->req_cons);
}

uint32_t ring_peek(const struct ring *ring)
{
	return guest_read32(&ring->shared->req_prod) - ring->req_cons;
}

bool ring_sleep_until(const struct ring *ring, uint32_t count)
{
	guest_write32(&ring->shared->req_event, ring->req_cons + count);
	/* Pairs with the guest's barrier between req_prod and its look at req_event. */
	ring_mb();
	return ring_peek(ring) >= count;
}

bool ring_push(struct ring *ring)
{
	uint32_t old = ring->rsp_pushed, new = ring->rsp_prod_pvt;

	if (old == new)
		return false;
	if (ring->answers) {
		answers_commit(ring);
		answers_show(ring);
	}
	/* Pairs with the guest's barrier between rsp_prod and the responses. */
	ring_wmb();
	guest_write32(&ring->shared->rsp_prod, new);
	ring->rsp_pushed = new;
	/* Pairs with the guest's barrier between rsp_event and its last look at rsp_prod. */
	ring_mb();
	return new - guest_read32(&ring->shared->rsp_event) < new - old;
}
