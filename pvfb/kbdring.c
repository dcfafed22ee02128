// SPDX-License-Identifier: MIT
/*
 * The events that a vkbd sends, per xen/io/kbdif.h.  Indices are free-running 32 bits and the ring
 * has 51 slots, so at the wrap of the indices two of them name one slot: an event is added only if
 * no event that waits stands where it goes.  The guest may write anything as in_cons; the worst
 * that it gets is that nothing is added.
 */
#include "pvfb/kbdring.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	IN_CONS_AT = offsetof(struct xenkbd_page, in_cons),
	IN_PROD_AT = offsetof(struct xenkbd_page, in_prod),
	EVENT_WORDS = XENKBD_IN_EVENT_SIZE / 4,
};

static uint32_t __guest *word_at(const struct kbdring *ring, size_t at)
{
	return (uint32_t __guest *)((char __guest *)ring->page + at);
}

void kbdring_attach(struct kbdring *ring, void __guest *page)
{
	ring->page = page;
	ring->prod = guest_read32(word_at(ring, IN_PROD_AT));
}

static bool slot_is_free(const struct kbdring *ring, uint32_t cons)
{
	uint32_t waiting = ring->prod - cons;

	if (waiting >= XENKBD_IN_RING_LEN)
		return false;
	for (uint32_t i = 0; i < waiting; i++)
		if ((cons + i) % XENKBD_IN_RING_LEN == ring->prod % XENKBD_IN_RING_LEN)
			return false;
	return true;
}

int kbdring_push(struct kbdring *ring, const union xenkbd_in_event *event)
{
	uint32_t cons = guest_read32(word_at(ring, IN_CONS_AT));
	size_t slot = ring->prod % XENKBD_IN_RING_LEN;

	if (!slot_is_free(ring, cons))
		return -EAGAIN;
	/* Partner: the frontend's barrier between its last look at the slot and in_cons. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	guest_copy_to(word_at(ring, XENKBD_IN_RING_OFFS + slot * XENKBD_IN_EVENT_SIZE), event,
		      EVENT_WORDS);
	ring->prod++;
	/* Partner: the frontend's barrier between in_prod and its look at the slot. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	guest_write32(word_at(ring, IN_PROD_AT), ring->prod);
	return 0;
}
